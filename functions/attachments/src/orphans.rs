//! Files without a row, rows without a file, and attachments that nobody fetched: the list of files and the list of
//! rows are in one order and are read side by side, so that a look costs as many reads as there are pages.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::attachments::AttachmentFiles;
use usher_aws::clock::wall_now;
use usher_aws::deadline::Deadline;
use usher_aws::queue::Outgoing;
use usher_aws::store::keys;
use usher_aws::store::{Read, Row, When};
use usher_aws::telemetry::{self, Unit};
use usher_shared::Timestamp;
use usher_shared::attachment::{AttachmentTask, FileBytes};
use usher_shared::channel::{AttachmentRefusal, AttachmentState};
use usher_shared::ids::{AttachmentId, ConversationId, MessageId};
use usher_shared::records::{AttachmentFile, AttachmentJob, OrphansJob};

use crate::Attachments;
use crate::work::WorkError;

/// Rows read at once.
const PAGE: usize = 200;
/// With less time left the next job goes on.
const ENOUGH: Duration = Duration::from_secs(20);
/// Whoever fetches or stores an attachment has done so after this long, or has given up.
const PATIENCE: Duration = Duration::from_hours(2);
/// No copy is older, unless the job that ends it was lost.
const COPY_LASTS: Duration = Duration::from_mins(20);

/// Asks for a look at every tenant, each in a job of its own. Says how many there are.
pub(crate) async fn ask_for_all(function: &Attachments) -> Result<u64, WorkError> {
    let (mut tenants, mut after) = (0, None);
    loop {
        let page = function.platform.tenants(after).await?;
        for entry in page.tenants {
            let job = OrphansJob {
                at: function.platform.clock().now().into(),
                tenant: entry.id,
                after: None.into(),
            };
            send(function, Outgoing::standard(&job)?).await?;
            tenants += 1;
        }
        after = page.next;
        if after.is_none() {
            return Ok(tenants);
        }
    }
}

/// What a look found.
#[derive(Debug, Default)]
struct Report {
    files: u32,
    rows: u32,
    again: u32,
    copies: u64,
}

/// The two lists, side by side.
struct Lists<'a> {
    scope: &'a TenantScope,
    store: AttachmentFiles,
    files: VecDeque<String>,
    rows: VecDeque<Row>,
    files_after: Option<String>,
    rows_after: Option<String>,
    more_files: bool,
    more_rows: bool,
}

/// What stands at one place.
enum Next {
    File(String),
    Row(Row),
    Both(Row),
}

/// Looks at one tenant, as far as the time goes.
pub(crate) async fn look(
    function: &Attachments,
    scope: &TenantScope,
    job: &OrphansJob,
    deadline: Deadline,
) -> Result<(), WorkError> {
    let store = scope.attachment_files()?;
    let mut report = Report::default();
    if job.after.is_none() {
        let now = wall_now().millis() / 1000;
        report.copies = store.delete_old_copies(now, COPY_LASTS).await?;
    }
    let after = job.after.0.as_ref().map(|after| after.as_str().to_owned());
    let mut lists = Lists {
        scope,
        store,
        files: VecDeque::new(),
        rows: VecDeque::new(),
        files_after: after.clone(),
        rows_after: after,
        more_files: true,
        more_rows: true,
    };
    while let Some((place, next)) = lists.next().await? {
        match next {
            Next::File(place) => report.files += u32::from(lists.end_file(&place).await?),
            Next::Row(row) => lists.mend(function, &row, false, &mut report).await?,
            Next::Both(row) => lists.mend(function, &row, true, &mut report).await?,
        }
        if deadline.remaining() < ENOUGH {
            let again = OrphansJob {
                after: place.parse().ok().into(),
                ..job.clone()
            };
            send(function, Outgoing::standard(&again)?).await?;
            break;
        }
    }
    tracing::info!(
        tenant.id = %scope.tenant(),
        files = report.files,
        rows = report.rows,
        again = report.again,
        copies = report.copies,
        "looked for orphans"
    );
    telemetry::emit(
        "attachments",
        &[
            ("orphaned_files", f64::from(report.files), Unit::Count),
            ("orphaned_rows", f64::from(report.rows), Unit::Count),
        ],
    );
    Ok(())
}

impl Lists<'_> {
    /// The next place in both lists, with what stands there.
    async fn next(&mut self) -> Result<Option<(String, Next)>, WorkError> {
        // Rows first: a file that is stored in between has a row that is read in any case.
        if self.rows.is_empty() && self.more_rows {
            let read = Read {
                limit: PAGE,
                backward: false,
                consistent: false,
                after: self.rows_after.take(),
            };
            let range = keys::files(self.scope.tenant());
            let page = self.scope.store().query_ended(&range, &read).await?;
            self.rows = page.rows.into();
            self.rows_after.clone_from(&page.next);
            self.more_rows = page.next.is_some();
        }
        if self.files.is_empty() && self.more_files {
            let page = self.store.list(self.files_after.as_deref()).await?;
            self.files_after = page.places.last().cloned();
            self.more_files = page.more && self.files_after.is_some();
            self.files = page.places.into();
        }
        let row = self.rows.front().and_then(|row| row.order(true));
        let file = self.files.front().map(String::as_str);
        let (take_file, take_row) = match (file, row) {
            (None, None) => return Ok(None),
            (Some(file), Some(row)) => (file <= row, row <= file),
            (file, row) => (file.is_some(), row.is_some()),
        };
        let place = if take_file { file } else { row };
        let place = place.unwrap_or_default().to_owned();
        let file = take_file.then(|| self.files.pop_front()).flatten();
        let row = take_row.then(|| self.rows.pop_front()).flatten();
        Ok(match (file, row) {
            (Some(_), Some(row)) => Some((place, Next::Both(row))),
            (Some(file), None) => Some((place, Next::File(file))),
            (None, Some(row)) => Some((place, Next::Row(row))),
            (None, None) => None,
        })
    }

    /// A file whose row the list does not show: removed if there is none. The list follows a write by moments.
    async fn end_file(&self, place: &str) -> Result<bool, WorkError> {
        if let Some((conversation, message, attachment)) = parse(place) {
            let row = keys::attachment(self.scope.tenant(), conversation, message, attachment);
            if self.scope.store().get_row_ended(&row).await?.is_some() {
                return Ok(false);
            }
        }
        self.store.delete_at(place).await?;
        Ok(true)
    }

    /// A row: one that waits for too long is fetched again, or says that its bytes never came; one that is stored and has
    /// no file says that it is gone.
    async fn mend(
        &self,
        function: &Attachments,
        row: &Row,
        has_file: bool,
        report: &mut Report,
    ) -> Result<(), WorkError> {
        let place = row.order(true).and_then(parse);
        let (Some((conversation, message, attachment)), Some(state)) = (place, row.peek("state")) else {
            return Ok(());
        };
        let at = row.peek::<Timestamp>("at").unwrap_or_default();
        let why = match state {
            AttachmentState::Refused => return Ok(()),
            AttachmentState::Stored if has_file => return Ok(()),
            AttachmentState::Pending if self.scope.now().since(at) < PATIENCE => return Ok(()),
            AttachmentState::Pending if row.peek("at_hand") != Some(true) => {
                let job = AttachmentJob {
                    at: self.scope.now().into(),
                    tenant: self.scope.tenant().into(),
                    conversation: conversation.into(),
                    message: message.into(),
                    attachment: attachment.into(),
                    task: AttachmentTask::Fetch.into(),
                    copy: None.into(),
                };
                send(function, Outgoing::standard(&job)?).await?;
                report.again += 1;
                return Ok(());
            }
            AttachmentState::Pending => AttachmentRefusal::Unavailable,
            AttachmentState::Stored => {
                let file = AttachmentFile {
                    tenant: self.scope.tenant().into(),
                    conversation: conversation.into(),
                    message: message.into(),
                    attachment: attachment.into(),
                    at: at.into(),
                    content: FileBytes.into(),
                };
                if self.store.has(&file).await? {
                    return Ok(());
                }
                AttachmentRefusal::Gone
            }
        };
        let key = keys::attachment(self.scope.tenant(), conversation, message, attachment);
        let set = vec![
            ("state", json!(AttachmentState::Refused)),
            ("refusal", json!(why)),
        ];
        let when = vec![When::Is("state", json!(state))];
        let written = self.scope.store().update(&key, set, when).await?;
        report.rows += u32::from(written.happened());
        Ok(())
    }
}

async fn send(function: &Attachments, job: Outgoing) -> Result<(), WorkError> {
    let refused = function.platform.send_jobs(&function.queue, &[job]).await;
    match refused.into_iter().next() {
        None => Ok(()),
        Some((_, error)) => Err(error.into()),
    }
}

/// `<conversation>/<message>/<attachment>`.
fn parse(place: &str) -> Option<(ConversationId, MessageId, AttachmentId)> {
    let mut parts = place.split('/');
    let found = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    parts.next().is_none().then_some(found)
}
