//! Words of these routes.

use serde::{Deserialize, Serialize};
use usher_shared::policy as model;
use utoipa::ToSchema;

usher_aws::words! {
    /// What the periods of conversations count from; a record's own time, where that is later.
    Anchor {
        /// Each record's own time.
        Created,
        /// The conversation's last activity.
        LastActivity,
        /// Its closing. While it is not closed, its period does not begin.
        Closed,
        /// The day that it is about; its last activity, if nobody set one.
        EventDate,
    }
}
