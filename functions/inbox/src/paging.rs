//! Pages of lists whose rows are opened one by one, or of which only some are wanted.

use std::future::Future;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use usher_aws::http::{List, Problem};
use usher_aws::store::Row;

/// Rows of a page that are opened at the same time: each costs a read of its keys.
const AT_ONCE: usize = 8;

/// Opens the rows of a page, in order. What turns out to be forgotten is left out.
pub(crate) async fn open_each<T, F>(mut page: List<Row>, open: impl Fn(Row) -> F) -> Result<List<T>, Problem>
where
    F: Future<Output = Result<Option<T>, Problem>>,
{
    let rows = std::mem::take(&mut page.data);
    let opened: Vec<Option<T>> = stream::iter(rows)
        .map(open)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(page.with(opened.into_iter().flatten().collect()))
}

/// Which end of a list a page is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// In the list's order, after a cursor or from its beginning.
    Onward,
    /// Against it, before a cursor.
    Back,
}

/// Fills one page with the wanted items of several.
#[derive(Debug)]
pub(crate) struct Filling<T> {
    limit: usize,
    reading: Reading,
    /// In the direction of reading.
    found: Vec<T>,
    /// Cursor at the end where reading began.
    began: Option<String>,
    started: bool,
    /// Cursor at the end where reading stands.
    stands: Option<String>,
    has_more: bool,
}

impl<T> Filling<T> {
    /// A page of at most `limit` items.
    pub(crate) fn new(limit: usize, reading: Reading) -> Self {
        Self {
            limit,
            reading,
            found: Vec::new(),
            began: None,
            started: false,
            stands: None,
            has_more: true,
        }
    }

    /// Whether another page must be read: neither is this one full nor has the list ended.
    pub(crate) fn wants_more(&self) -> bool {
        self.has_more && self.found.len() < self.limit
    }

    /// The cursor to read on from; `None` before the first page.
    pub(crate) fn stands(&self) -> Option<&str> {
        self.stands.as_deref()
    }

    /// Takes what is wanted of the next page. `cursor` gives an item's own.
    pub(crate) fn take(
        &mut self,
        page: List<T>,
        wanted: impl Fn(&T) -> bool,
        cursor: impl Fn(&T) -> Option<String>,
    ) {
        let (mut items, near, far) = match self.reading {
            Reading::Onward => (page.data, page.previous_cursor, page.next_cursor),
            Reading::Back => (
                page.data.into_iter().rev().collect(),
                page.next_cursor,
                page.previous_cursor,
            ),
        };
        if !self.started {
            self.started = true;
            self.began = near;
        }
        self.has_more = page.has_more;
        self.stands = far;
        let missing = self.limit.saturating_sub(self.found.len());
        let full_at = items
            .iter()
            .enumerate()
            .filter(|(_, item)| wanted(item))
            .nth(missing);
        if let Some((first_too_many, _)) = full_at {
            // The page ends before the first wanted item that has no place; its cursor is that of the item
            // before, wanted or not.
            self.has_more = true;
            items.truncate(first_too_many);
            self.stands = items.last().and_then(cursor);
        }
        self.found.extend(items.into_iter().filter(wanted));
    }

    /// The page.
    pub(crate) fn finish(self) -> List<T> {
        let (near, far) = (self.began, self.stands.filter(|_| self.has_more));
        let mut data = self.found;
        let (previous_cursor, next_cursor) = match self.reading {
            Reading::Onward => (near, far),
            Reading::Back => {
                data.reverse();
                (far, near)
            }
        };
        List {
            object: "list",
            data,
            has_more: self.has_more,
            next_cursor,
            previous_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]
    use super::*;

    const LIST: std::ops::RangeInclusive<u32> = 1..=20;

    /// What the store would give of a list of twenty numbers, as `read_page` does.
    fn page(limit: usize, reading: Reading, from: Option<&str>) -> List<u32> {
        let from: Option<u32> = from.map(|text| text.parse().expect("cursor"));
        let mut rest: Vec<u32> = match reading {
            Reading::Onward => LIST.filter(|n| from.is_none_or(|from| *n > from)).collect(),
            Reading::Back => LIST.rev().filter(|n| from.is_none_or(|from| *n < from)).collect(),
        };
        let has_more = rest.len() > limit;
        rest.truncate(limit);
        if reading == Reading::Back {
            rest.reverse();
        }
        let inside = from.is_some();
        let (after, before) = match reading {
            Reading::Onward => (has_more, inside),
            Reading::Back => (inside, has_more),
        };
        List {
            object: "list",
            next_cursor: rest.last().map(ToString::to_string).filter(|_| after),
            previous_cursor: rest.first().map(ToString::to_string).filter(|_| before),
            has_more,
            data: rest,
        }
    }

    fn read(limit: usize, step: usize, reading: Reading, from: Option<&str>, every: u32) -> List<u32> {
        let mut filling = Filling::new(limit, reading);
        while filling.wants_more() {
            let next = page(step, reading, filling.stands().or(from));
            filling.take(next, |n| n % every == 0, |n| Some(n.to_string()));
        }
        filling.finish()
    }

    #[test]
    fn pages_are_filled_with_what_is_wanted_and_nothing_is_skipped() {
        for every in [1, 2, 3, 7, 19, 21] {
            for limit in [1, 2, 3, 5, 20] {
                for step in [1, 3, 7, 20, 50] {
                    let wanted: Vec<u32> = LIST.filter(|n| n % every == 0).collect();
                    let case = format!("every {every}, limit {limit}, step {step}");
                    let (mut seen, mut from) = (Vec::new(), None);
                    loop {
                        let list = read(limit, step, Reading::Onward, from.as_deref(), every);
                        assert!(list.data.len() == limit || !list.has_more, "{case}");
                        assert_eq!(list.next_cursor.is_some(), list.has_more, "{case}");
                        seen.extend(list.data);
                        from = list.next_cursor;
                        if from.is_none() {
                            break;
                        }
                    }
                    assert_eq!(seen, wanted, "{case}");
                }
            }
        }
    }

    #[test]
    fn reading_back_gives_the_same_in_the_lists_order() {
        let list = read(2, 3, Reading::Back, Some("16"), 3);
        assert_eq!(list.data, [12, 15]);
        assert!(list.has_more);
        let before = read(2, 3, Reading::Back, list.previous_cursor.as_deref(), 3);
        assert_eq!(before.data, [6, 9]);
        let after = read(2, 3, Reading::Onward, before.next_cursor.as_deref(), 3);
        assert_eq!(after.data, [12, 15]);
        let first = read(2, 3, Reading::Back, before.previous_cursor.as_deref(), 3);
        assert_eq!((first.data.as_slice(), first.has_more), ([3].as_slice(), false));
        assert_eq!(first.previous_cursor, None);
    }

    #[test]
    fn a_page_that_was_given_up_on_says_where_it_stands() {
        let mut filling = Filling::new(2, Reading::Onward);
        let wanted = |n: &u32| *n == 20;
        for _ in 0..2 {
            assert!(filling.wants_more());
            let next = page(5, Reading::Onward, filling.stands());
            filling.take(next, wanted, |n| Some(n.to_string()));
        }
        let list = filling.finish();
        assert_eq!((list.data.len(), list.has_more), (0, true));
        assert_eq!(list.next_cursor.as_deref(), Some("10"));
    }
}
