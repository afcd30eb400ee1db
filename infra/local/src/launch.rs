//! Starting a stack: folder, keys, template, services, functions, sources, in this order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::backup::{self, Backups};
use crate::binaries::{self, Beside};
use crate::callers::{Caller, Callers};
use crate::clock::Clock;
use crate::console::Console;
use crate::control::Guests;
use crate::dynamodb::{DynamoDb, Storage};
use crate::environment::Endpoints;
use crate::faults::Faults;
use crate::gateway::{Gateway, Routes};
use crate::home::Home;
use crate::kms::Kms;
use crate::meter::Meter;
use crate::outbox::Outbox;
use crate::permissions::{OPERATOR, Permissions};
use crate::proxy::{self, Backend, Layers};
use crate::queues::QueueReader;
use crate::runtime::{Pool, Spec, binary_in};
use crate::s3::S3;
use crate::server::{self, Server};
use crate::sqs::Sqs;
use crate::stack::{Binaries, Options, Shared, Stack, StartError};
use crate::streams::StreamReader;
use crate::sts::Sts;
use crate::template::{Function, Names, Raw, Template};
use crate::world::{self, World};
use crate::{environment, schedules};

/// Starts a stack. On an error nothing is left running.
pub async fn start(options: Options) -> Result<Stack, StartError> {
    let console = Console::new(options.quiet);
    let listener = bind(options.port).await?;
    let base_url = url(&listener)?;
    let raw = read_template(&options)?;
    let home = Home::open(&options.data)?;
    let clock = Clock::open(home.path("clock")).map_err(|e| home.problem(&e))?;
    let callers = Arc::new(Callers::default());

    let wanted_keys: Vec<String> = raw.of_type("AWS::KMS::Key").map(str::to_owned).collect();
    let kms = Kms::open(home.persistent("kms.json"), &wanted_keys)
        .await
        .map_err(service("KMS"))?;
    let key_arns = kms.arns().clone();
    let ([dynamodb, sqs, kms_at, sts, s3], endpoints) = listen().await?;
    let names = Names {
        parameters: world::parameters(&base_url, &options.parameters),
        queue_base_url: endpoints.sqs.clone(),
        key_arns: key_arns.clone(),
    };
    let template = Template::resolve(&raw, &names).map_err(|e| template_error(&options, &e.to_string()))?;
    let permissions = Permissions::read(&raw, &names, &template, console.clone());
    let permissions = Arc::new(permissions.map_err(|e| template_error(&options, &e.to_string()))?);

    let database = open_database(&home, &template, &clock).await?;
    let backups = Backups::open(home.persistent("backups"), &template.tables);
    let backups = Arc::new(backups.map_err(|e| home.problem(&e))?);
    let queues = open_queues(&home, &template, &options)?;
    let keys = key_arns.values().cloned().collect();
    let objects =
        S3::open(&home.path("s3"), &template.buckets, keys, Arc::clone(&callers)).map_err(service("S3"))?;
    let objects = Arc::new(objects);
    let roles = Sts::new(Arc::clone(&callers), template.roles.values().cloned());
    let memory = template.functions.iter().map(|f| (f.name.clone(), f.memory_mib));
    let meter = Arc::new(Meter::new(memory.collect()));
    let faults = Arc::new(Faults::new(&template.tables));
    let layers = Layers {
        callers: Arc::clone(&callers),
        permissions: Arc::clone(&permissions),
        faults: Arc::clone(&faults),
        meter: Arc::clone(&meter),
    };
    let served = [
        (dynamodb, Backend::DynamoDb(Arc::clone(&database))),
        (sqs, Backend::Sqs(Arc::clone(&queues))),
        (kms_at, Backend::Kms(Arc::new(kms))),
        (sts, Backend::Sts(Arc::new(roles))),
        (s3, Backend::S3(Arc::clone(&objects))),
    ]
    .map(|(listener, backend)| proxy::serve(listener, backend, layers.clone()));
    let served: std::io::Result<Vec<Server>> = served.into_iter().collect();
    let mut servers = served.map_err(|e| service("proxy")(e.to_string()))?;

    let outbox = Arc::new(Outbox::default());
    let world = Arc::new(World::new(
        Arc::clone(&outbox),
        Arc::clone(&clock),
        base_url.clone(),
        Arc::clone(&faults),
        Arc::clone(&callers),
        Arc::clone(&permissions),
    ));
    let pools = start_pools(&Ground {
        options: &options,
        base_url: &base_url,
        template: &template,
        endpoints: &endpoints,
        callers: &callers,
        clock: &clock,
        home: &home,
        console: &console,
        meter: &meter,
        faults: &faults,
    })
    .await?;
    faults.bind(&pools);
    world.mail.bind(&template, &pools);
    let operator = callers.issue(Caller {
        function: OPERATOR.to_owned(),
        role: String::new(),
        tags: BTreeMap::new(),
    });
    let shared = Arc::new(Shared {
        base_url,
        template,
        clock,
        console,
        database,
        backups,
        queues,
        objects,
        outbox,
        world: Arc::clone(&world),
        meter,
        paused: none_paused(&pools),
        pools,
        callers,
        permissions,
        faults,
        guests: Guests::default(),
        operator,
        home,
    });
    let router = crate::control::router(Arc::clone(&shared))
        .merge(world::router(world))
        .fallback_service(api(&shared));
    servers.push(Server::start(listener, router).map_err(|e| service("gateway")(e.to_string()))?);
    let tasks = start_sources(&shared);
    Ok(Stack {
        shared,
        endpoints,
        key_arns,
        tasks,
        servers,
    })
}

async fn bind(port: u16) -> Result<tokio::net::TcpListener, StartError> {
    let bound = server::bind(port).await;
    bound.map_err(|source| StartError::Port { port, source })
}

/// Listeners of the services, in the order of their names in [`Endpoints`], and where they are.
async fn listen() -> Result<([tokio::net::TcpListener; 5], Endpoints), StartError> {
    let listeners = [
        bind(0).await?,
        bind(0).await?,
        bind(0).await?,
        bind(0).await?,
        bind(0).await?,
    ];
    let [dynamodb, sqs, kms, sts, s3] = &listeners;
    let endpoints = Endpoints {
        dynamodb: url(dynamodb)?,
        sqs: url(sqs)?,
        kms: url(kms)?,
        sts: url(sts)?,
        s3: url(s3)?,
    };
    Ok((listeners, endpoints))
}

/// No function's queues are held back at the start.
fn none_paused(pools: &BTreeMap<String, Arc<Pool>>) -> BTreeMap<String, watch::Sender<bool>> {
    let names = pools.keys().cloned();
    names.map(|name| (name, watch::Sender::new(false))).collect()
}

fn read_template(options: &Options) -> Result<Raw, StartError> {
    let text =
        std::fs::read_to_string(&options.template).map_err(|e| template_error(options, &e.to_string()))?;
    Raw::parse(&text).map_err(|e| template_error(options, &e.to_string()))
}

fn template_error(options: &Options, problem: &str) -> StartError {
    StartError::Template {
        file: options.template.display().to_string(),
        problem: problem.to_owned(),
    }
}

fn service(service: &'static str) -> impl FnOnce(String) -> StartError {
    move |problem| StartError::Service { service, problem }
}

fn url(listener: &tokio::net::TcpListener) -> Result<String, StartError> {
    let address = listener
        .local_addr()
        .map_err(|source| StartError::Port { port: 0, source })?;
    Ok(format!("http://{address}"))
}

/// What functions are started from.
struct Ground<'a> {
    options: &'a Options,
    base_url: &'a str,
    template: &'a Template,
    endpoints: &'a Endpoints,
    callers: &'a Callers,
    clock: &'a Clock,
    home: &'a Home,
    console: &'a Console,
    meter: &'a Arc<Meter>,
    faults: &'a Arc<Faults>,
}

async fn build(options: &Options, beside: Beside) -> Result<BTreeMap<String, PathBuf>, StartError> {
    let built = binaries::build(&options.root, beside).await;
    built.map_err(StartError::Build)
}

async fn start_pools(ground: &Ground<'_>) -> Result<BTreeMap<String, Arc<Pool>>, StartError> {
    let Ground {
        options,
        base_url,
        template,
        endpoints,
        callers,
        clock,
        home,
        console,
        meter,
        faults,
    } = *ground;
    let built = match &options.binaries {
        Binaries::Build => build(options, Beside::Run).await?,
        Binaries::BuildForTests => build(options, Beside::Tests).await?,
        Binaries::Folder(folder) => {
            let named = |f: &Function| (f.name.clone(), binary_in(folder, &f.name));
            template.functions.iter().map(named).collect()
        }
    };
    let logs = home.path("logs");
    std::fs::create_dir_all(&logs).map_err(|e| home.problem(&e))?;
    let mut pools = BTreeMap::new();
    for function in &template.functions {
        let name = function.name.clone();
        let binary = built
            .get(&name)
            .filter(|path| path.exists())
            .cloned()
            .ok_or_else(|| {
                StartError::Build(format!(
                    "function {name} of the template has no binary of that name"
                ))
            })?;
        let caller = Caller {
            function: name.clone(),
            role: function.role.clone(),
            tags: BTreeMap::new(),
        };
        let credentials = callers.issue(caller);
        let environment = environment::of_function(function, endpoints, base_url, &credentials, clock.file());
        let spec = Spec {
            name: name.clone(),
            binary,
            environment,
            timeout: function.timeout,
            memory_mib: function.memory_mib,
        };
        let pool = Pool::new(
            spec,
            logs.join(format!("{name}.log")),
            console.clone(),
            Arc::clone(meter),
            Arc::clone(faults),
        );
        pools.insert(name, Arc::new(pool.map_err(|e| home.problem(&e))?));
    }
    Ok(pools)
}

/// The HTTP API of the template.
fn api(shared: &Shared) -> axum::Router {
    let mut routes = Routes::default();
    for function in &shared.template.functions {
        if let Some(pool) = shared.pools.get(&function.name) {
            for route in &function.routes {
                routes.add(route, Arc::clone(pool));
            }
        }
    }
    let gateway = Gateway::new(routes, Arc::clone(&shared.clock), Arc::clone(&shared.outbox));
    axum::Router::new()
        .fallback(crate::gateway::handle)
        .with_state(Arc::new(gateway))
}

/// Streams, queues and schedules of every function.
fn start_sources(shared: &Shared) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(backup::daily(
        Arc::clone(&shared.backups),
        Arc::clone(&shared.database),
        Arc::clone(&shared.clock),
        shared.console.clone(),
    ));
    for function in &shared.template.functions {
        let Some(pool) = shared.pools.get(&function.name) else {
            continue;
        };
        for source in &function.streams {
            let checkpoint = shared
                .home
                .path(&format!("stream-{}-{}", source.table, function.name));
            let reader = StreamReader {
                source: source.clone(),
                pool: Arc::clone(pool),
                database: Arc::clone(&shared.database),
                queues: Arc::clone(&shared.queues),
                clock: Arc::clone(&shared.clock),
                console: shared.console.clone(),
                permissions: Arc::clone(&shared.permissions),
                faults: Arc::clone(&shared.faults),
                checkpoint,
            };
            tasks.spawn(reader.run());
        }
        for source in &function.queues {
            let Some(paused) = shared.paused.get(&function.name) else {
                continue;
            };
            let queue = shared
                .template
                .queues
                .iter()
                .find(|queue| queue.name == source.queue);
            let reader = QueueReader {
                paused: paused.subscribe(),
                source: source.clone(),
                visibility: queue.map(|queue| queue.visibility).unwrap_or_default(),
                pool: Arc::clone(pool),
                queues: Arc::clone(&shared.queues),
                console: shared.console.clone(),
                meter: Arc::clone(&shared.meter),
                permissions: Arc::clone(&shared.permissions),
                faults: Arc::clone(&shared.faults),
            };
            tasks.spawn(reader.run());
        }
        for schedule in &function.schedules {
            let clock = Arc::clone(&shared.clock);
            tasks.spawn(schedules::run(
                schedule.clone(),
                Arc::clone(pool),
                Arc::clone(&shared.permissions),
                clock,
                shared.console.clone(),
            ));
        }
    }
    tasks
}

async fn open_database(
    home: &Home,
    template: &Template,
    clock: &Arc<Clock>,
) -> Result<Arc<DynamoDb>, StartError> {
    let file = home.persistent("dynamodb.db");
    let storage = file.as_deref().map_or(Storage::Memory, Storage::File);
    let database = DynamoDb::start(storage, &template.tables, Arc::clone(clock)).await;
    Ok(Arc::new(database.map_err(service("DynamoDB"))?))
}

fn open_queues(home: &Home, template: &Template, options: &Options) -> Result<Arc<Sqs>, StartError> {
    let file = home.persistent("queues.db");
    let queues = Sqs::open(
        file.as_deref(),
        &template.queues,
        options.queue_visibility,
        options.longest_delay,
    );
    Ok(Arc::new(queues.map_err(|e| service("SQS")(e.to_string()))?))
}
