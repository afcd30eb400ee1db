//! Conditions of statements: operators over the values that a request's context has for a key.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::context::{Context, is_known};
use super::pattern::{ArnPattern, Pattern};

/// What an operator compares.
#[derive(Debug, Clone)]
enum Test {
    /// Whole texts, or texts with wildcards.
    Text(Pattern),
    /// Whole texts, without case.
    TextAnyCase(String),
    Arn(ArnPattern),
    Bool(bool),
    Number(Comparison, f64),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How the values of a request are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Quantity {
    /// There is one value.
    Single,
    /// Each value has to pass; no value passes.
    Each,
    /// One value has to pass; no value does not pass.
    Some,
}

/// One line of a `Condition`: an operator, a key, values.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    key: String,
    check: Check,
}

#[derive(Debug, Clone)]
enum Check {
    /// `Null`: whether the key has to be missing.
    Missing(bool),
    Values {
        quantity: Quantity,
        /// Whether a match fails.
        negated: bool,
        /// Whether a missing key passes.
        if_exists: bool,
        tests: Vec<Test>,
    },
}

/// Reads a `Condition` element.
pub(crate) fn parse(element: &Value) -> Result<Vec<Condition>, String> {
    let operators = element.as_object().ok_or("Condition is no map")?;
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let keys = keys.as_object().ok_or_else(|| format!("{operator} is no map"))?;
        for (key, values) in keys {
            let values = texts(values).ok_or_else(|| format!("{operator} {key}: values have to be texts"))?;
            let condition = Condition::parse(operator, key, &values);
            conditions.push(condition.map_err(|problem| format!("{operator} {key}: {problem}"))?);
        }
    }
    Ok(conditions)
}

/// A text or a list of texts; numbers and booleans count as their texts.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        single => text(single).map(|text| vec![text]),
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, values: &[String]) -> Result<Self, String> {
        let key = key.to_ascii_lowercase();
        if !is_known(&key) {
            return Err("the local stack does not know this key".to_owned());
        }
        let (quantity, rest) = match operator.split_once(':') {
            None => (Quantity::Single, operator),
            Some(("ForAllValues", rest)) => (Quantity::Each, rest),
            Some(("ForAnyValue", rest)) => (Quantity::Some, rest),
            Some(_) => return Err(unknown()),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        if name == "Null" {
            let [value] = values else {
                return Err("needs one value".to_owned());
            };
            let check = Check::Missing(boolean(value)?);
            return Ok(Self { key, check });
        }
        let (negated, test) = operator_of(name)?;
        let tests: Vec<Test> = values.iter().map(|value| test(value)).collect::<Result<_, _>>()?;
        if let Some(variable) = tests.iter().flat_map(Test::variables).find(|key| !is_known(key)) {
            return Err(format!("the local stack does not know the variable {variable}"));
        }
        let check = Check::Values {
            quantity,
            negated,
            if_exists,
            tests,
        };
        Ok(Self { key, check })
    }

    /// Whether the context meets it.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let found = context.all(&self.key);
        let (quantity, negated, if_exists, tests) = match &self.check {
            Check::Missing(missing) => return found.is_empty() == *missing,
            Check::Values {
                quantity,
                negated,
                if_exists,
                tests,
            } => (*quantity, *negated, *if_exists, tests),
        };
        let passes = |value: &String| tests.iter().any(|test| test.matches(value, context)) != negated;
        match quantity {
            // A missing key matches nothing: that fails what wants a match and passes what wants none.
            Quantity::Single if found.is_empty() => if_exists || negated,
            quantity if quantity == Quantity::Each || (negated && quantity == Quantity::Single) => {
                found.iter().all(passes)
            }
            _ => found.iter().any(passes),
        }
    }
}

type Parser = fn(&str) -> Result<Test, String>;

/// Whether the operator is negated, and how it reads a value.
fn operator_of(name: &str) -> Result<(bool, Parser), String> {
    let number: [(&str, bool, Parser); 6] = [
        ("NumericEquals", false, |v| numeric(Comparison::Equal, v)),
        ("NumericNotEquals", true, |v| numeric(Comparison::Equal, v)),
        ("NumericLessThan", false, |v| numeric(Comparison::Less, v)),
        ("NumericLessThanEquals", false, |v| {
            numeric(Comparison::LessOrEqual, v)
        }),
        ("NumericGreaterThan", false, |v| numeric(Comparison::Greater, v)),
        ("NumericGreaterThanEquals", false, |v| {
            numeric(Comparison::GreaterOrEqual, v)
        }),
    ];
    let text: [(&str, bool, Parser); 11] = [
        ("StringEquals", false, |v| Pattern::plain(v).map(Test::Text)),
        ("StringNotEquals", true, |v| Pattern::plain(v).map(Test::Text)),
        ("StringLike", false, |v| Pattern::wild(v).map(Test::Text)),
        ("StringNotLike", true, |v| Pattern::wild(v).map(Test::Text)),
        ("StringEqualsIgnoreCase", false, any_case),
        ("StringNotEqualsIgnoreCase", true, any_case),
        ("ArnEquals", false, |v| ArnPattern::parse(v).map(Test::Arn)),
        ("ArnLike", false, |v| ArnPattern::parse(v).map(Test::Arn)),
        ("ArnNotEquals", true, |v| ArnPattern::parse(v).map(Test::Arn)),
        ("ArnNotLike", true, |v| ArnPattern::parse(v).map(Test::Arn)),
        ("Bool", false, |v| boolean(v).map(Test::Bool)),
    ];
    let found = text
        .into_iter()
        .chain(number)
        .find(|(known, _, _)| *known == name);
    found
        .map(|(_, negated, parser)| (negated, parser))
        .ok_or_else(unknown)
}

fn unknown() -> String {
    "the local stack does not know this operator".to_owned()
}

fn any_case(text: &str) -> Result<Test, String> {
    if text.contains("${") {
        return Err("variables are not known in texts without case".to_owned());
    }
    Ok(Test::TextAnyCase(text.to_lowercase()))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text} is neither true nor false")),
    }
}

fn numeric(comparison: Comparison, text: &str) -> Result<Test, String> {
    let number = text.parse().map_err(|_| format!("{text} is no number"))?;
    Ok(Test::Number(comparison, number))
}

impl Test {
    fn variables(&self) -> Vec<&str> {
        match self {
            Self::Text(pattern) => pattern.variables().collect(),
            Self::Arn(pattern) => pattern.variables().collect(),
            _ => Vec::new(),
        }
    }

    fn matches(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text(pattern) => pattern.matches(value, context),
            Self::TextAnyCase(wanted) => *wanted == value.to_lowercase(),
            Self::Arn(pattern) => pattern.matches(value, context),
            Self::Bool(wanted) => boolean(value).is_ok_and(|value| value == *wanted),
            Self::Number(comparison, wanted) => value.parse::<f64>().is_ok_and(|value| match comparison {
                Comparison::Equal => (value - wanted).abs() < f64::EPSILON,
                Comparison::Less => value < *wanted,
                Comparison::LessOrEqual => value <= *wanted,
                Comparison::Greater => value > *wanted,
                Comparison::GreaterOrEqual => value >= *wanted,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn holds(condition: &Value, keys: &[(&str, &[&str])]) -> bool {
        let mut context = Context::default().with("aws:PrincipalTag/tenant", "tn_1");
        for (key, values) in keys {
            for value in *values {
                context.add(key, *value);
            }
        }
        parse(condition)
            .unwrap()
            .iter()
            .all(|condition| condition.holds(&context))
    }

    #[test]
    fn operators_hold_as_iam_says_also_where_the_key_is_missing() {
        const KEY: &str = "dynamodb:LeadingKeys";
        // Whether it holds without the key, for ["a"], ["a", "b"] and ["b"].
        for (operator, values, expected) in [
            ("StringEquals", json!("a"), [false, true, true, false]),
            ("StringNotEquals", json!("a"), [true, false, false, true]),
            ("StringEqualsIfExists", json!("a"), [true, true, true, false]),
            ("StringNotEqualsIfExists", json!("a"), [true, false, false, true]),
            ("StringLike", json!(["x", "a*"]), [false, true, true, false]),
            ("StringNotLike", json!("a*"), [true, false, false, true]),
            ("StringEqualsIgnoreCase", json!("A"), [false, true, true, false]),
            (
                "ForAllValues:StringEquals",
                json!("a"),
                [true, true, false, false],
            ),
            (
                "ForAllValues:StringLike",
                json!(["a", "b"]),
                [true, true, true, true],
            ),
            (
                "ForAllValues:StringNotEquals",
                json!("a"),
                [true, false, false, true],
            ),
            (
                "ForAllValues:StringEqualsIfExists",
                json!("a"),
                [true, true, false, false],
            ),
            ("ForAnyValue:StringEquals", json!("a"), [false, true, true, false]),
            (
                "ForAnyValue:StringNotEquals",
                json!("a"),
                [false, false, true, true],
            ),
            (
                "ForAnyValue:StringEqualsIfExists",
                json!("a"),
                [false, true, true, false],
            ),
            ("Null", json!("true"), [true, false, false, false]),
            ("Null", json!(false), [false, true, true, true]),
        ] {
            let condition = json!({operator: {KEY: values}});
            let found =
                [&[][..], &["a"], &["a", "b"], &["b"]].map(|values| holds(&condition, &[(KEY, values)]));
            assert_eq!(found, expected, "{condition}");
        }
    }

    #[test]
    fn lines_are_joined_by_and_and_values_by_or() {
        let condition = json!({
            "StringEquals": {"kms:ViaService": ["a", "b"], "kms:EncryptionContext:tenant": "${aws:PrincipalTag/tenant}"},
            "Bool": {"aws:SecureTransport": "true"},
        });
        let asked = |via: &'static str, tenant: &'static str, tls: &'static str| {
            holds(
                &condition,
                &[
                    ("kms:ViaService", &[via]),
                    ("kms:EncryptionContext:tenant", &[tenant]),
                    ("aws:SecureTransport", &[tls]),
                ],
            )
        };
        assert!(asked("b", "tn_1", "true"));
        assert!(!asked("c", "tn_1", "true") && !asked("a", "tn_2", "true") && !asked("a", "tn_1", "false"));
    }

    #[test]
    fn numbers_and_arns_are_compared_as_such() {
        for (operator, value, asked, expected) in [
            ("NumericLessThanEquals", "10", "9.5", true),
            ("NumericGreaterThan", "10", "10", false),
            ("NumericNotEquals", "10", "10.0", false),
            ("NumericEquals", "10", "ten", false),
        ] {
            let condition = json!({operator: {"s3:max-keys": value}});
            assert_eq!(
                holds(&condition, &[("s3:max-keys", &[asked])]),
                expected,
                "{condition}"
            );
        }
        let condition = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/*"}});
        assert!(holds(
            &condition,
            &[("aws:PrincipalArn", &["arn:aws:iam::1:role/A"])]
        ));
        assert!(!holds(
            &condition,
            &[("aws:PrincipalArn", &["arn:aws:iam::2:role/A"])]
        ));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (condition, problem) in [
            (json!({"DateLessThan": {"aws:TagKeys": "x"}}), "operator"),
            (json!({"ForSome:StringEquals": {"aws:TagKeys": "x"}}), "operator"),
            (
                json!({"StringEquals": {"dynamodb:Attributes": "x"}}),
                "dynamodb:Attributes",
            ),
            (
                json!({"StringEquals": {"aws:TagKeys": "${aws:userid}"}}),
                "aws:userid",
            ),
            (
                json!({"Bool": {"aws:SecureTransport": "yes"}}),
                "neither true nor false",
            ),
            (json!({"Null": {"aws:TagKeys": ["true", "false"]}}), "one value"),
            (json!({"NumericEquals": {"s3:max-keys": "x"}}), "no number"),
            (json!({"StringEquals": {"aws:TagKeys": {}}}), "texts"),
            (json!("x"), "no map"),
        ] {
            let found = parse(&condition).unwrap_err();
            assert!(found.contains(problem), "{condition}: {found}");
        }
    }
}
