//! Reads a token request: its parameters (RFC 6749, 4.4.2), and the client's credentials (2.3.1).

use axum::{
    extract::{FromRequest, RawForm, Request},
    http::{HeaderMap, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use crate::web::api::{oauth::error::TokenError, problem::Problem, user};

/// The client id that means the first entry of `ALLOWED_USERS`.
const DEFAULT_USER: &str = "default";

const FORM: &str = "Send a form (Content-Type: application/x-www-form-urlencoded) with grant_type=client_credentials.";
const NO_QUERY: &str = "This takes no query: all parameters go into the body.";
const TWICE: &str = "The body has a parameter twice.";
const GRANT_TYPE: &str = "The only grant is grant_type=client_credentials.";
const TWO_METHODS: &str = "Send the client's credentials either by HTTP Basic or in the body, and once.";

/// A request for a token of a user.
pub(super) struct TokenRequest {
    /// None for the default user.
    pub(super) user: Option<String>,
    /// What the API key may be: more than one where it is not clear how the client has encoded it.
    pub(super) secrets: Vec<SecretString>,
}

/// The parameters that count; others are ignored, and one without a value counts as omitted (RFC 6749, 3.2).
struct Form {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
}

/// What an `Authorization: Basic` header holds, as it was sent.
struct Basic {
    id: String,
    secret: SecretString,
}

impl TokenRequest {
    pub(super) async fn receive(request: Request) -> Result<Self, TokenError> {
        if request.uri().query().is_some() {
            return Err(Problem::Invalid(NO_QUERY).into());
        }
        let basic = Basic::read(request.headers());
        let form = RawForm::from_request(request, &()).await;
        let RawForm(body) = form.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
            _ => Problem::Invalid(FORM),
        })?;
        let Form { grant_type, client_id, client_secret } = Form::parse(&body)?;
        match grant_type.as_deref() {
            Some("client_credentials") => {}
            Some(_) => return Err(TokenError::unsupported_grant_type(GRANT_TYPE)),
            None => return Err(Problem::Invalid(FORM).into()),
        }
        let (id, secrets) = match (basic?, client_secret) {
            (Some(_), Some(_)) => return Err(Problem::Invalid(TWO_METHODS).into()),
            (Some(basic), None) => {
                let id = form_decode(&basic.id);
                if client_id.is_some_and(|other| other != id && other != basic.id) {
                    return Err(Problem::Invalid(TWO_METHODS).into());
                }
                (id, basic.secrets())
            }
            (None, Some(secret)) => (client_id.unwrap_or_default(), vec![secret]),
            (None, None) => return Err(Problem::KeyMissing.into()),
        };
        if id.is_empty() {
            return Err(Problem::KeyMissing.into());
        }
        Ok(Self { user: (id != DEFAULT_USER).then(|| user::of_form(&id)), secrets })
    }
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, TokenError> {
        let [mut grant_type, mut client_id, mut client_secret, mut scope] = [const { None }; 4];
        for (name, value) in form_urlencoded::parse(body) {
            let parameter = match &*name {
                "grant_type" => &mut grant_type,
                "client_id" => &mut client_id,
                "client_secret" => &mut client_secret,
                "scope" => &mut scope,
                // Not even looked at: `resource` of RFC 8707 may be repeated.
                _ => continue,
            };
            if parameter.replace(value.into_owned()).is_some() {
                return Err(Problem::Invalid(TWICE).into());
            }
        }
        let given = |parameter: Option<String>| parameter.filter(|value| !value.is_empty());
        Ok(Self {
            grant_type: given(grant_type),
            client_id: given(client_id),
            client_secret: given(client_secret).map(SecretString::from),
        })
    }
}

impl Basic {
    /// None without the header.
    fn read(headers: &HeaderMap) -> Result<Option<Self>, TokenError> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let Some(first) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Problem::Invalid(TWO_METHODS).into());
        }
        Self::parse(first.as_bytes()).map(Some).ok_or(Problem::KeyMissing.into())
    }

    fn parse(header: &[u8]) -> Option<Self> {
        let (scheme, credentials) = header.split_at_checked("Basic ".len())?;
        let credentials = STANDARD.decode(credentials.trim_ascii()).ok()?;
        let credentials = SecretString::from(String::from_utf8(credentials).ok()?);
        let (id, secret) = credentials.expose_secret().split_once(':')?;
        scheme.eq_ignore_ascii_case(b"Basic ").then(|| Self { id: id.to_owned(), secret: secret.into() })
    }

    /// RFC 6749 has the two encoded as in a form, which many clients leave out.
    fn secrets(self) -> Vec<SecretString> {
        let decoded = SecretString::from(form_decode(self.secret.expose_secret()));
        let is_plain = decoded.expose_secret() == self.secret.expose_secret();
        if is_plain { vec![decoded] } else { vec![decoded, self.secret] }
    }
}

fn form_decode(text: &str) -> String {
    // The usual case: nothing is encoded.
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    // Where it was not encoded, an ampersand separates nothing.
    let pair = format!("={}", text.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
