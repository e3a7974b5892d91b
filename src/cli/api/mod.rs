//! `api`: a request to VideoAsk's API with the vault's token, or a list to its end.

mod caller;
mod input;
mod list;
mod path;
mod rate_limit;
mod request;

use std::io::{IsTerminal, stdout};

use clap::builder::NonEmptyStringValueParser;
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    cli::{
        api::{
            caller::Caller,
            input::{Input, InputBody},
            path::ApiPath,
            request::Request,
        },
        error::CliError,
        output::{Reader, Stream},
        source::{Source, SourceArgs},
    },
    store::IfMissing,
};

const ORGANIZATION: HeaderName = HeaderName::from_static("organization-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// JSON if there is a choice. Some resources are files.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.5");

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Path of VideoAsk's API with its query, such as /forms?limit=20
    path: ApiPath,
    /// Whose account: e-mail, user_id or sub; by default that of the first in ALLOWED_USERS
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// The organization to act in; by default ORGANIZATION_ID, else the user's own
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: Option<HeaderValue>,
    /// Method of the request; by default GET, or POST with --input
    #[arg(short = 'X', long, value_parser = method)]
    method: Option<Method>,
    /// Send this file (- is stdin) as the body, which is JSON
    #[arg(long, value_name = "FILE")]
    input: Option<Input>,
    /// Read a list to its end, and print one JSON object a line
    #[arg(long, conflicts_with_all = ["method", "input"])]
    paginate: bool,
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) async fn run(options: Options) -> Result<(), CliError> {
    let Options { path, user, organization, method, input, paginate, source } = options;
    let body = input.as_ref().map_or_else(|| Ok(InputBody::none()), Input::open)?;
    let by_default = if input.is_some() { Method::POST } else { Method::GET };
    let mut headers = HeaderMap::from_iter([(ACCEPT, ACCEPTED)]);
    headers.extend(organization.map(|id| (ORGANIZATION, id)));
    headers.extend(input.map(|_| (CONTENT_TYPE, JSON)));
    let request = Request { method: method.unwrap_or(by_default), path, headers };

    let work = async |caller: Caller<'_>| {
        if paginate { list::print(&caller, &request).await } else { print(&caller, &request, body).await }
    };
    let user = user.as_deref();
    match source.load("api")? {
        Source::Store(setup) => {
            let work = async |context: &_| work(Caller::find(context, user).await?).await;
            Box::pin(setup.run(IfMissing::Refuse, work)).await
        }
        Source::Server(server) => server.run(Box::pin(work(Caller::Server { server: &server, user }))).await,
    }
}

/// Prints the body of the response while it arrives, whatever the status.
async fn print(caller: &Caller<'_>, request: &Request, body: InputBody) -> Result<(), CliError> {
    let mut response = caller.send(request, body).await?;
    let mut stdout = Stream::new();
    let mut last = None;
    while let Some(chunk) = response.chunk().await? {
        last = chunk.last().copied().or(last);
        if stdout.write(&chunk).await? == Reader::Gone {
            break;
        }
    }
    if last.is_some_and(|byte| byte != b'\n') && self::stdout().is_terminal() {
        stdout.write(b"\n").await?;
    }
    if response.status.is_success() { Ok(()) } else { Err(response.error(caller.now()).into()) }
}

fn method(text: &str) -> Result<Method, &'static str> {
    match text.to_ascii_uppercase().parse() {
        Ok(Method::CONNECT) | Err(_) => Err("this takes a method such as GET, POST, PUT, PATCH or DELETE"),
        Ok(method) => Ok(method),
    }
}

fn organization(text: &str) -> Result<HeaderValue, &'static str> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    HeaderValue::from_str(text).ok().filter(|_| is_id).ok_or("`videoask-auth api /organizations` shows the ids")
}
