//! S3: the bucket or file of a call, and what S3 asks KMS for in the caller's name.

use bytes::Bytes;
use http::{Method, Request};

use super::super::roles::Rules;
use super::{Ask, Other};
use crate::proxy::decode;
use crate::template::raw::bucket_arn;
use crate::template::{ACCOUNT, REGION};

pub(super) fn asks(request: &Request<Bytes>, rules: &Rules) -> Result<Vec<Ask>, String> {
    let path = decode(request.uri().path(), false);
    let path = path.trim_start_matches('/');
    let query = Query(request.uri().query().unwrap_or_default());
    match path.split_once('/') {
        _ if path.is_empty() => Ok(vec![Ask::new("s3:ListAllMyBuckets", "*")]),
        None => on_bucket(request, path, &query),
        Some((bucket, "")) => on_bucket(request, bucket, &query),
        Some((bucket, key)) => on_file(request, bucket, key, &query, rules),
    }
}

struct Query<'a>(&'a str);

impl Query<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    fn has(&self, name: &str) -> bool {
        self.pairs().any(|(known, _)| known == name)
    }

    fn value(&self, name: &str) -> Option<String> {
        let found = self.pairs().find(|(known, _)| *known == name);
        found.map(|(_, value)| decode(value, true))
    }

    /// A parameter that makes another operation of a request than its method says.
    fn foreign(&self) -> Option<&str> {
        const HARMLESS: [&str; 17] = [
            "x-id",
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "marker",
            "start-after",
            "continuation-token",
            "encoding-type",
            "fetch-owner",
            "uploads",
            "uploadId",
            "partNumber",
            "delete",
            "max-parts",
            "part-number-marker",
            "location",
        ];
        let names = self.pairs().map(|(name, _)| name);
        let mut others = names.filter(|name| {
            let lower = name.to_ascii_lowercase();
            !HARMLESS.contains(name) && !lower.starts_with("x-amz-") && !lower.starts_with("response-")
        });
        others.next()
    }
}

fn on_bucket(request: &Request<Bytes>, bucket: &str, query: &Query<'_>) -> Result<Vec<Ask>, String> {
    if let Some(name) = query.foreign() {
        return Err(format!(
            "what {} ?{name} of a bucket asks for is not known",
            request.method()
        ));
    }
    let about = |action: &str| {
        let mut ask = Ask::new(action, bucket_arn(bucket));
        ask.other = Some(Other::Bucket(bucket_arn(bucket)));
        ask
    };
    let method = request.method();
    if method == Method::POST && query.has("delete") {
        let body = String::from_utf8_lossy(request.body());
        let keys = body
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split_once("</Key>"));
        return Ok(keys
            .map(|(key, _)| file("s3:DeleteObject", bucket, key))
            .collect());
    }
    let action = match *method {
        Method::GET if query.has("uploads") => "s3:ListBucketMultipartUploads",
        Method::GET if query.has("location") => "s3:GetBucketLocation",
        Method::GET | Method::HEAD => "s3:ListBucket",
        Method::PUT => "s3:CreateBucket",
        Method::DELETE => "s3:DeleteBucket",
        _ => return Err(format!("what {method} of a bucket asks for is not known")),
    };
    let mut ask = about(action);
    for name in ["prefix", "delimiter", "max-keys"] {
        if let Some(value) = query.value(name) {
            ask = ask.with(&format!("s3:{name}"), value);
        }
    }
    Ok(vec![ask])
}

fn on_file(
    request: &Request<Bytes>,
    bucket: &str,
    key: &str,
    query: &Query<'_>,
    rules: &Rules,
) -> Result<Vec<Ask>, String> {
    let method = request.method();
    if let Some(name) = query.foreign() {
        return Err(format!("what {method} ?{name} of a file asks for is not known"));
    }
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let of_upload = query.has("uploadId");
    let (action, of_kms) = match *method {
        Method::GET if of_upload => ("s3:ListMultipartUploadParts", Some("kms:Decrypt")),
        Method::GET => ("s3:GetObject", Some("kms:Decrypt")),
        Method::HEAD => ("s3:GetObject", None),
        // The parts of an upload and its end need the data key that its beginning made.
        Method::PUT | Method::POST if of_upload => ("s3:PutObject", Some("kms:Decrypt")),
        Method::PUT => ("s3:PutObject", Some("kms:GenerateDataKey")),
        Method::POST if query.has("uploads") => ("s3:PutObject", Some("kms:GenerateDataKey")),
        Method::DELETE if of_upload => ("s3:AbortMultipartUpload", None),
        Method::DELETE => ("s3:DeleteObject", None),
        _ => return Err(format!("what {method} of a file asks for is not known")),
    };
    let mut ask = file(action, bucket, key);
    for name in [
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ] {
        if let Some(value) = header(name) {
            ask = ask.with(&format!("s3:{name}"), value);
        }
    }
    let mut asks = vec![ask];
    asks.extend(of_kms.and_then(|action| at_rest(action, bucket, key, rules)));
    if let Some(source) = header("x-amz-copy-source") {
        let source = decode(source, false);
        let source = source.trim_start_matches('/');
        let (bucket, key) = source.split_once('/').ok_or("the copy has no source")?;
        asks.push(file("s3:GetObject", bucket, key));
        asks.extend(at_rest("kms:Decrypt", bucket, key, rules));
    }
    Ok(asks)
}

fn file(action: &str, bucket: &str, key: &str) -> Ask {
    let mut ask = Ask::new(action, format!("{}/{key}", bucket_arn(bucket)));
    ask.other = Some(Other::Bucket(bucket_arn(bucket)));
    ask
}

/// What S3 asks of KMS, in the caller's name, for a file of a bucket that is encrypted by a key of ours.
fn at_rest(action: &str, bucket: &str, key: &str, rules: &Rules) -> Option<Ask> {
    let encryption = rules.encryption.get(bucket)?;
    let context = if encryption.bucket_key {
        bucket_arn(bucket)
    } else {
        format!("{}/{key}", bucket_arn(bucket))
    };
    let mut ask = Ask::new(action, &encryption.key)
        .with("kms:ViaService", format!("s3.{REGION}.amazonaws.com"))
        .with("kms:CallerAccount", ACCOUNT)
        .with("kms:EncryptionContextKeys", "aws:s3:arn")
        .with("kms:EncryptionContext:aws:s3:arn", context);
    ask.other = Some(Other::Key(encryption.key.clone()));
    Some(ask)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::super::roles::Encryption;
    use super::*;

    fn asked(method: &str, path: &str, body: &'static str) -> Result<Vec<String>, String> {
        let mut rules = Rules::default();
        let encryption = Encryption {
            key: "KEY".to_owned(),
            bucket_key: true,
        };
        rules.encryption.insert("b".to_owned(), encryption);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Bytes::from_static(body.as_bytes()));
        let asks = asks(&request.unwrap(), &rules)?;
        Ok(asks
            .iter()
            .map(|ask| format!("{} {}", ask.action, ask.resource))
            .collect())
    }

    #[test]
    fn every_request_has_its_actions() {
        let file = "arn:aws:s3:::b/t/x y.csv";
        let (decrypt, generate) = ("kms:Decrypt KEY".to_owned(), "kms:GenerateDataKey KEY".to_owned());
        let of = |action: &str| format!("s3:{action} {file}");
        for (method, path, expected) in [
            (
                "GET",
                "/b/t/x%20y.csv?x-id=GetObject",
                vec![of("GetObject"), decrypt.clone()],
            ),
            (
                "GET",
                "/b/t/x%20y.csv?X-Amz-Signature=0&response-content-type=a",
                vec![of("GetObject"), decrypt.clone()],
            ),
            ("HEAD", "/b/t/x%20y.csv", vec![of("GetObject")]),
            ("PUT", "/b/t/x%20y.csv", vec![of("PutObject"), generate.clone()]),
            ("POST", "/b/t/x%20y.csv?uploads", vec![of("PutObject"), generate]),
            (
                "PUT",
                "/b/t/x%20y.csv?partNumber=1&uploadId=u",
                vec![of("PutObject"), decrypt.clone()],
            ),
            (
                "POST",
                "/b/t/x%20y.csv?uploadId=u",
                vec![of("PutObject"), decrypt.clone()],
            ),
            (
                "GET",
                "/b/t/x%20y.csv?uploadId=u",
                vec![of("ListMultipartUploadParts"), decrypt],
            ),
            (
                "DELETE",
                "/b/t/x%20y.csv?uploadId=u",
                vec![of("AbortMultipartUpload")],
            ),
            ("DELETE", "/b/t/x%20y.csv", vec![of("DeleteObject")]),
            (
                "GET",
                "/b?list-type=2&prefix=t%2F",
                vec!["s3:ListBucket arn:aws:s3:::b".to_owned()],
            ),
            (
                "GET",
                "/b/?uploads",
                vec!["s3:ListBucketMultipartUploads arn:aws:s3:::b".to_owned()],
            ),
            ("GET", "/", vec!["s3:ListAllMyBuckets *".to_owned()]),
        ] {
            assert_eq!(asked(method, path, "").unwrap(), expected, "{method} {path}");
        }
        let many = "<Delete><Object><Key>t/1</Key></Object><Object><Key>u/2</Key></Object></Delete>";
        assert_eq!(
            asked("POST", "/b?delete", many).unwrap(),
            [
                "s3:DeleteObject arn:aws:s3:::b/t/1",
                "s3:DeleteObject arn:aws:s3:::b/u/2"
            ]
        );
        for (method, path) in [("GET", "/b?policy"), ("PUT", "/b/k?acl"), ("PATCH", "/b/k")] {
            assert!(asked(method, path, "").is_err(), "{method} {path}");
        }
    }
}
