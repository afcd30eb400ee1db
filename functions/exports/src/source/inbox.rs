//! A walk over the list of conversations, and through each of them.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::conversation::OpenConversation;
use usher_aws::store::Row;
use usher_aws::store::keys::{self, Range};
use usher_shared::ids::{ConversationId, TenantId};

use super::{AT_ONCE, SourceError, forward};

/// A place in the list of conversations.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Inbox {
    after: Option<String>,
    inside: Option<Inside>,
}

/// A conversation of which some rows are written.
#[derive(Debug, Serialize, Deserialize)]
struct Inside {
    /// Its place in the list.
    order: String,
    id: ConversationId,
    /// The last row written, by its sort key.
    after: String,
}

/// How much of each conversation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Its head alone.
    Head,
    /// What came with messages, and the messages.
    Said,
    /// And the AI's audit trail.
    Traces,
    /// Everything in its partition, its head once more.
    Everything,
}

impl Depth {
    /// The rows to read, and how many at a time: traces hold a prompt each. The first few are read together with the
    /// head, for most conversations have no more; what is read of those after a longer one is read again.
    fn rows(self, tenant: TenantId, id: ConversationId) -> Option<(Range, usize, usize)> {
        match self {
            Self::Head => None,
            Self::Said => Some((keys::attachments_and_messages(tenant, id), 25, 100)),
            Self::Traces => Some((keys::attachments_to_traces(tenant, id), 12, 25)),
            Self::Everything => Some((keys::conversation_rows(tenant, id), 12, 25)),
        }
    }
}

/// A conversation with some of its rows.
pub(super) struct Piece {
    pub(super) open: OpenConversation,
    /// Whether these are its first.
    pub(super) begins: bool,
    pub(super) rows: Vec<Row>,
}

impl Inbox {
    /// The next rows of the conversation that the walk is in, or the next few conversations; and whether the walk is
    /// at its end. What is forgotten or past its period is passed by.
    pub(super) async fn next(
        &mut self,
        scope: &TenantScope,
        depth: Depth,
    ) -> Result<(Vec<Piece>, bool), SourceError> {
        if let Some(current) = self.inside.take() {
            return self
                .go_on(scope, depth, current)
                .await
                .map(|pieces| (pieces, false));
        }
        let list = keys::conversations(scope.tenant());
        let read = forward(AT_ONCE, self.after.clone());
        let page = scope.store().query(&list, &read).await?;
        let at_end = page.next.is_none();
        let opened: Vec<_> = stream::iter(page.rows)
            .map(|row| async move {
                let order = row.order(true).unwrap_or_default().to_owned();
                Ok::<_, SourceError>((order, begin(scope, depth, row).await?))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut pieces = Vec::new();
        for (order, found) in opened {
            if let Some((piece, next)) = found {
                let id = *piece.open.head.id;
                pieces.push(piece);
                if let Some(after) = next {
                    // The rest of the page is read again when this one is at its end.
                    self.inside = Some(Inside { order, id, after });
                    return Ok((pieces, false));
                }
            }
            self.after = Some(order);
        }
        Ok((pieces, at_end))
    }

    async fn go_on(
        &mut self,
        scope: &TenantScope,
        depth: Depth,
        current: Inside,
    ) -> Result<Vec<Piece>, SourceError> {
        let wanted = depth.rows(scope.tenant(), current.id);
        if let Some((range, _, limit)) = wanted
            && let Some(open) = scope.open_conversation(current.id).await?
        {
            let page = scope
                .store()
                .query(&range, &forward(limit, Some(current.after)))
                .await?;
            match page.next {
                Some(after) => {
                    self.inside = Some(Inside {
                        order: current.order,
                        id: current.id,
                        after,
                    });
                }
                None => self.after = Some(current.order),
            }
            return Ok(vec![Piece {
                open,
                begins: false,
                rows: page.rows,
            }]);
        }
        self.after = Some(current.order);
        Ok(Vec::new())
    }
}

/// A conversation with its first rows, and where to go on.
async fn begin(
    scope: &TenantScope,
    depth: Depth,
    row: Row,
) -> Result<Option<(Piece, Option<String>)>, SourceError> {
    let Some(open) = scope.open_head(row).await? else {
        return Ok(None);
    };
    let (mut rows, mut next) = (Vec::new(), None);
    if let Some((range, limit, _)) = depth.rows(scope.tenant(), *open.head.id) {
        let page = scope.store().query(&range, &forward(limit, None)).await?;
        (rows, next) = (page.rows, page.next);
    }
    let piece = Piece {
        open,
        begins: true,
        rows,
    };
    Ok(Some((piece, next)))
}
