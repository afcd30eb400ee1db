//! Lists with cursors, never capped silently.

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::cursor;
use crate::scope::TenantScope;
use crate::store::{Page, Read, Row, keys::Range};

/// Parameters of every list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Items at most, 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
    /// `next_cursor` of a page: gives the page after it.
    pub after: Option<String>,
    /// `previous_cursor` of a page: gives the page before it.
    pub before: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// Always `list`.
    pub object: &'static str,
    /// The items.
    pub data: Vec<T>,
    /// Whether there are more items in the direction of reading.
    pub has_more: bool,
    /// Give as `after` to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Give as `before` to read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
}

impl<T> List<T> {
    /// The same page with other items, in the same order; items may be left out.
    pub fn with<U>(self, data: Vec<U>) -> List<U> {
        List {
            object: self.object,
            data,
            has_more: self.has_more,
            next_cursor: self.next_cursor,
            previous_cursor: self.previous_cursor,
        }
    }
}

/// Reads one page of `range`, named `list` for its cursors. `backward`: the list's own order is from the
/// highest sort key down.
///
/// # Errors
/// 422 for a limit out of bounds or a foreign cursor; 503.
pub async fn read_page(
    scope: &TenantScope,
    range: &Range,
    list: &str,
    query: &ListQuery,
    backward: bool,
) -> Result<List<Row>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::invalid_field("limit", "must be from 1 to 100"));
    }
    let (reversed, cursor) = match (&query.after, &query.before) {
        (Some(_), Some(_)) => return Err(Problem::invalid_field("before", "cannot be combined with after")),
        (Some(after), None) => (false, Some(("after", after))),
        (None, Some(before)) => (true, Some(("before", before))),
        (None, None) => (false, None),
    };
    let after = cursor
        .map(|(field, text)| {
            cursor::decode(scope, list, text)
                .map_err(|error| Problem::invalid_field(field, error.to_string()))
        })
        .transpose()?;
    let began_inside = after.is_some();
    let read = Read {
        limit: limit.into(),
        backward: backward != reversed,
        consistent: true,
        after,
    };
    let Page { mut rows, next } = scope.store().query(range, &read).await?;
    if reversed {
        rows.reverse();
    }
    let has_more = next.is_some();
    let at = |row: Option<&Row>| {
        let sort_key = row.and_then(|row| row.order(range.listing));
        sort_key.map(|sort_key| cursor::encode(scope, list, sort_key))
    };
    let (more_after, more_before) = if reversed {
        (began_inside, has_more)
    } else {
        (has_more, began_inside)
    };
    Ok(List {
        object: "list",
        next_cursor: at(rows.last()).filter(|_| more_after),
        previous_cursor: at(rows.first()).filter(|_| more_before),
        has_more,
        data: rows,
    })
}
