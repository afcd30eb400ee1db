//! The command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::console::{Console, fail};
use crate::stack::{Binaries, Data, Options, Stack, start};
use crate::{demo, seed};

const HELP: &str = "\
The whole of Usher on this machine.

    cargo run                     start, seed a demo tenant, print what to try, run until Ctrl-C
    cargo run -- demo             play the demo unattended; exit code 0 only if every step was right
    cargo run -- meter            what the running stack would be billed since its start or its last reset

Options
    --port <port>                 port on 127.0.0.1 (default 8080 when starting, any free one in the demo)
    --host <address>              a loopback address; others are refused
    --data <folder>               where data lives (default .local, the demo runs in memory)
    --memory                      keep nothing
    --messages <count>            meter: also the cost of a million messages, if it covers this many
    --reset                       meter: set it to zero
    --help                        this text";

/// Port of `cargo run` unless told otherwise.
const DEFAULT_PORT: u16 = 8080;

/// What was asked for.
#[derive(Debug, PartialEq)]
enum Command {
    Start {
        port: u16,
        data: Option<PathBuf>,
    },
    Demo {
        port: u16,
        data: Option<PathBuf>,
    },
    Meter {
        port: u16,
        messages: Option<u32>,
        reset: bool,
    },
    Help,
}

/// Parses the arguments. The error says which one is wrong.
fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let (mut verb, mut port, mut folder, mut memory) = (None, None, None, false);
    let (mut messages, mut reset) = (None, false);
    while let Some(argument) = arguments.next() {
        let mut value = |what: &str| arguments.next().ok_or_else(|| format!("{argument} needs {what}"));
        match argument.as_str() {
            "demo" | "meter" if verb.is_none() => verb = Some(argument),
            "--messages" => {
                let text = value("a count")?;
                let count = text.parse::<u32>().ok().filter(|count| *count > 0);
                messages = Some(count.ok_or_else(|| format!("--messages {text} is not a count above 0"))?);
            }
            "--reset" => reset = true,
            "--port" => {
                let text = value("a port")?;
                let parsed = text
                    .parse::<u16>()
                    .map_err(|_| format!("--port {text} is not a port"))?;
                port = Some(parsed);
            }
            "--host" => {
                let text = value("an address")?;
                let loopback = text == "localhost" || text.parse::<IpAddr>().is_ok_and(|a| a.is_loopback());
                if !loopback {
                    return Err(format!(
                        "--host {text} is not a loopback address; the local stack has no locks"
                    ));
                }
            }
            "--data" => folder = Some(PathBuf::from(value("a folder")?)),
            "--memory" => memory = true,
            "--help" | "-h" => return Ok(Command::Help),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    if memory && folder.is_some() {
        return Err("--memory and --data exclude each other".to_owned());
    }
    if verb.as_deref() != Some("meter") && (messages.is_some() || reset) {
        return Err("--messages and --reset belong to meter".to_owned());
    }
    Ok(match verb.as_deref() {
        Some("meter") => Command::Meter {
            port: port.unwrap_or(DEFAULT_PORT),
            messages,
            reset,
        },
        Some(_) => Command::Demo {
            port: port.unwrap_or(0),
            data: folder,
        },
        None => Command::Start {
            port: port.unwrap_or(DEFAULT_PORT),
            data: (!memory).then(|| folder.unwrap_or_else(|| PathBuf::from(".local"))),
        },
    })
}

/// Runs the command line to its end. 0 when all went well, 1 when something failed, 2 for arguments that
/// are not understood.
pub async fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let result = match parse(arguments) {
        Err(problem) => {
            fail(&format!("{problem}\n\n{HELP}"));
            return ExitCode::from(2);
        }
        Ok(Command::Help) => {
            Console::new(false).say(HELP);
            Ok(())
        }
        Ok(Command::Start { port, data }) => Box::pin(serve(port, data)).await,
        Ok(Command::Demo { port, data }) => Box::pin(play(port, data)).await,
        Ok(Command::Meter {
            port,
            messages,
            reset,
        }) => read_meter(port, messages, reset).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            fail(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Asks the stack that runs at `port`.
async fn read_meter(port: u16, messages: Option<u32>, reset: bool) -> Result<(), String> {
    let messages = messages
        .map(|count| format!("&messages={count}"))
        .unwrap_or_default();
    let url = format!("http://127.0.0.1:{port}/_local/meter?format=text{messages}");
    let client = crate::client::loopback();
    let request = if reset {
        client.delete(url)
    } else {
        client.get(url)
    };
    let nobody =
        |error: reqwest::Error| format!("no stack answers at port {port} ({error}); `cargo run` starts one");
    let answer = request.send().await.map_err(nobody)?;
    let answer = answer.error_for_status().map_err(nobody)?;
    let text = answer.text().await.map_err(nobody)?;
    Console::new(false).say(text.trim_end());
    Ok(())
}

fn options(port: u16, data: Option<PathBuf>) -> Result<Options, String> {
    // The sources this program was built from: it builds the functions from the same place.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root
        .canonicalize()
        .map_err(|e| format!("{}: {e}", root.display()))?;
    let data = match data {
        Some(folder) if folder.is_relative() && folder == Path::new(".local") => {
            Data::Folder(root.join(folder))
        }
        Some(folder) => Data::Folder(folder),
        None => Data::Memory,
    };
    Ok(Options {
        data,
        port,
        binaries: Binaries::Build,
        quiet: false,
        ..Options::in_memory(root)
    })
}

async fn launch(port: u16, data: Option<PathBuf>) -> Result<Stack, String> {
    let console = Console::new(false);
    console.say("Building the functions …");
    start(options(port, data)?).await.map_err(|e| e.to_string())
}

async fn serve(port: u16, data: Option<PathBuf>) -> Result<(), String> {
    let stop = stop_signal()?;
    let stack = tokio::select! {
        stack = launch(port, data) => stack?,
        () = stop_signal()? => return Ok(()),
    };
    let console = stack.console().clone();
    console.say(&format!("Usher runs at {}", stack.base_url()));
    let result = tokio::select! {
        seeded = welcome(&stack) => match seeded {
            Ok(()) => {
                console.say("Ctrl-C ends it.");
                stop.await;
                Ok(())
            }
            Err(problem) => Err(problem),
        },
        () = stop_signal()? => Ok(()),
    };
    console.say("Stopping …");
    stack.shutdown().await;
    result
}

async fn welcome(stack: &Stack) -> Result<(), String> {
    let demo = seed::seed(stack).await?;
    seed::say_what_to_try(stack, &demo).await
}

async fn play(port: u16, data: Option<PathBuf>) -> Result<(), String> {
    let stack = launch(port, data).await?;
    let result = tokio::select! {
        played = async {
            let tenant = seed::seed(&stack).await?;
            demo::run(&stack, &tenant).await
        } => played,
        () = stop_signal()? => Err("interrupted".to_owned()),
    };
    stack.shutdown().await;
    result
}

/// Ctrl-C or SIGTERM. The handlers are in place when this returns, before anything is started.
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_understood_or_refused() {
        let local = Some(PathBuf::from(".local"));
        assert_eq!(
            parsed(""),
            Ok(Command::Start {
                port: DEFAULT_PORT,
                data: local.clone()
            })
        );
        assert_eq!(
            parsed("--port 9000"),
            Ok(Command::Start {
                port: 9000,
                data: local.clone()
            })
        );
        assert_eq!(
            parsed("--memory --port 0"),
            Ok(Command::Start { port: 0, data: None })
        );
        assert_eq!(
            parsed("--host 127.0.0.1"),
            Ok(Command::Start {
                port: DEFAULT_PORT,
                data: local
            })
        );
        assert_eq!(parsed("demo"), Ok(Command::Demo { port: 0, data: None }));
        assert_eq!(
            parsed("demo --data x"),
            Ok(Command::Demo {
                port: 0,
                data: Some("x".into())
            })
        );
        let meter = |messages, reset| Command::Meter {
            port: DEFAULT_PORT,
            messages,
            reset,
        };
        assert_eq!(parsed("meter"), Ok(meter(None, false)));
        assert_eq!(parsed("meter --messages 10"), Ok(meter(Some(10), false)));
        assert_eq!(parsed("meter --reset"), Ok(meter(None, true)));
        assert_eq!(parsed("--help"), Ok(Command::Help));
        for bad in [
            "--port",
            "--port x",
            "--port 70000",
            "--host 0.0.0.0",
            "--host ::",
            "serve",
            "demo meter",
            "demo --reset",
            "meter --messages 0",
            "--data x --memory",
            "-x",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
