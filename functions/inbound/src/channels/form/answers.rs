//! Where an enquiry is answered: by the means that the person wants and left an address for, through a channel that has
//! them.

use usher_aws::TenantScope;
use usher_aws::http::{App, Problem};
use usher_aws::store::keys;
use usher_carriers::form::{Enquiry, ReplyBy};
use usher_shared::channel::{ChannelKind, ChannelState};
use usher_shared::ids::ChannelId;
use usher_shared::model::Reach;

/// Where to answer; nothing if the tenant has no channel that reaches the person: then a person has to.
pub(super) async fn reach(
    app: &App,
    scope: &TenantScope,
    answers_by: Option<ChannelId>,
    enquiry: &Enquiry,
) -> Result<Option<Reach>, Problem> {
    let wanted = enquiry.reply_by;
    let through = |by: ReplyBy, channel: ChannelId| {
        let address = enquiry.address(by)?.to_owned();
        (wanted.is_none() || wanted == Some(by)).then_some(Reach {
            address,
            channel: Some(channel),
        })
    };
    if let Some(id) = answers_by
        && let Some(channel) = app.platform.recall_channel(scope, id).await?
        && let Some(reach) = means(*channel.channel.kind).and_then(|by| through(by, id))
    {
        return Ok(Some(reach));
    }
    // The tenant's other channels, oldest first, mail before text messages.
    let rows = scope.store().query_all(&keys::channels(scope.tenant())).await?;
    let mut able: Vec<(ReplyBy, ChannelId)> = rows
        .iter()
        .filter(|row| row.peek("state") == Some(ChannelState::Active))
        .filter_map(|row| Some((means(row.peek("kind")?)?, row.peek("id")?)))
        .collect();
    able.sort_by_key(|(by, id)| (*by == ReplyBy::Sms, *id));
    Ok(able.into_iter().find_map(|(by, id)| through(by, id)))
}

const fn means(kind: ChannelKind) -> Option<ReplyBy> {
    match kind {
        ChannelKind::Email => Some(ReplyBy::Email),
        ChannelKind::Sms => Some(ReplyBy::Sms),
        _ => None,
    }
}
