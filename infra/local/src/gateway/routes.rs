//! Matching of requests to the template's routes.

use http::Method;

use crate::proxy::decode;
use crate::template::Route;

/// A route that fits: its key (`GET /path/{id}`), the values of its parameters, and where it leads.
pub(crate) type Found<'a, T> = (&'a str, Vec<(String, String)>, &'a T);

/// Routes and what each leads to.
#[derive(Debug)]
pub struct Routes<T> {
    routes: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    key: String,
    method: String,
    segments: Vec<Segment>,
    target: T,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// `{proxy+}`: the rest of the path.
    Rest(String),
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<T> Routes<T> {
    /// Adds a route.
    pub fn add(&mut self, route: &Route, target: T) {
        let segments = route.path.split('/').skip(1).map(|text| {
            let parameter = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
            match parameter.map(|name| (name, name.strip_suffix('+'))) {
                None => Segment::Literal(text.to_owned()),
                Some((_, Some(rest))) => Segment::Rest(rest.to_owned()),
                Some((name, None)) => Segment::Parameter(name.to_owned()),
            }
        });
        self.routes.push(Entry {
            key: format!("{} {}", route.method, route.path),
            method: route.method.clone(),
            segments: segments.collect(),
            target,
        });
    }

    /// The most specific route: fewest parameters, an exact method before `ANY`.
    pub fn find(&self, method: &Method, path: &str) -> Option<Found<'_, T>> {
        self.routes
            .iter()
            .filter(|entry| entry.method == "ANY" || entry.method == method.as_str())
            .filter_map(|entry| Some((entry, bind(&entry.segments, path)?)))
            .min_by_key(|(entry, _)| {
                let rest = entry
                    .segments
                    .iter()
                    .any(|segment| matches!(segment, Segment::Rest(_)));
                let parameters = entry
                    .segments
                    .iter()
                    .filter(|s| !matches!(s, Segment::Literal(_)))
                    .count();
                (rest, parameters, entry.method == "ANY")
            })
            .map(|(entry, parameters)| (entry.key.as_str(), parameters, &entry.target))
    }
}

/// Values of the parameters, when the path fits.
fn bind(segments: &[Segment], path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = Some(path.strip_prefix('/')?);
    for segment in segments {
        let remaining = rest?;
        if let Segment::Rest(name) = segment {
            parameters.push((name.clone(), decode(remaining, false)));
            return (!remaining.is_empty()).then_some(parameters);
        }
        let (text, tail) = match remaining.split_once('/') {
            Some((text, tail)) => (text, Some(tail)),
            None => (remaining, None),
        };
        match segment {
            Segment::Literal(literal) if literal == text => {}
            Segment::Parameter(name) if !text.is_empty() => {
                parameters.push((name.clone(), decode(text, false)));
            }
            _ => return None,
        }
        rest = tail;
    }
    rest.is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_most_specific_route_wins() {
        let mut routes = Routes::default();
        for (index, (method, path)) in [
            ("GET", "/v1/leads/{id}"),
            ("GET", "/v1/leads/mine"),
            ("ANY", "/{proxy+}"),
            ("POST", "/chat/{channel_key}/messages"),
            ("GET", "/health"),
        ]
        .into_iter()
        .enumerate()
        {
            routes.add(
                &Route {
                    method: method.to_owned(),
                    path: path.to_owned(),
                },
                index,
            );
        }
        let find = |method: Method, path: &str| {
            routes
                .find(&method, path)
                .map(|(_, parameters, target)| (*target, parameters))
        };
        let parameter = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(
            find(Method::GET, "/v1/leads/l%201"),
            Some((0, parameter("id", "l 1")))
        );
        assert_eq!(find(Method::GET, "/v1/leads/mine"), Some((1, Vec::new())));
        assert_eq!(
            find(Method::PUT, "/v1/leads/x/y"),
            Some((2, parameter("proxy", "v1/leads/x/y")))
        );
        assert_eq!(
            find(Method::POST, "/chat/ck/messages"),
            Some((3, parameter("channel_key", "ck")))
        );
        assert_eq!(find(Method::GET, "/health").unwrap().0, 4);
    }

    #[test]
    fn what_no_route_names_is_not_found() {
        let mut routes = Routes::default();
        routes.add(
            &Route {
                method: "GET".to_owned(),
                path: "/a/{id}".to_owned(),
            },
            (),
        );
        for path in ["/a", "/a/", "/a/b/c", "/a/b/", "/b/c", "/", "*"] {
            assert!(routes.find(&Method::GET, path).is_none(), "{path}");
        }
        assert!(routes.find(&Method::POST, "/a/b").is_none());
    }
}
