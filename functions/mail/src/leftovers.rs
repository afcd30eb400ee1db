//! Mails that lie in the bucket although they were told of: every attempt at them failed. What SES wrote above a mail
//! says nearly what its event did.

use std::time::Duration;

use usher_aws::clock::wall_now;
use usher_carriers::mail::ses::leftover;

use crate::{MailError, Mailroom, Report};

/// By now Lambda has made its attempts.
const AGE: Duration = Duration::from_mins(10);

impl Mailroom {
    /// Works through what lies there for too long. One that fails again does not hold up the others.
    ///
    /// # Errors
    /// The last one's, when all were tried.
    pub(crate) async fn leftovers(&self, report: &mut Report) -> Result<(), MailError> {
        let mut result = Ok(());
        for id in self.raw.older_than(AGE, wall_now()).await? {
            if let Err(error) = self.leftover(&id, report).await {
                tracing::error!(error = %error, "a mail that was left over cannot be stored");
                result = Err(error);
            }
        }
        result
    }

    async fn leftover(&self, id: &str, report: &mut Report) -> Result<(), MailError> {
        let Some(raw) = self.raw.get(id).await? else {
            return Ok(());
        };
        if let Some(notice) = leftover(id, &raw) {
            return self.take(&notice, &raw, report).await;
        }
        // SES's own test of the bucket, or nothing that anybody could read.
        report.ignore("not_mail");
        self.raw.delete(id).await?;
        Ok(())
    }
}
