//! `--paginate`: a list to its end, one object a line.

use bytes::Bytes;
use reqwest::StatusCode;

use crate::{
    cli::{
        api::{caller::Caller, input::InputBody, rate_limit::RateLimit, request::Request},
        error::{CallError, CliError},
        output::{Reader, Stream},
        spinner,
    },
    http,
    telemetry::excerpt,
    videoask::{Page, Pages},
};

const LONGEST_PAGE: usize = 32 << 20;

pub(super) async fn print(caller: &Caller<'_>, request: &Request) -> Result<(), CliError> {
    let mut pages = Pages::starting_at(Page::of_query(request.path.query.as_deref().unwrap_or_default()));
    let (mut stdout, mut rate_limit, mut printed) = (Stream::new(), RateLimit::new(), false);
    while let Some(page) = pages.next_page().cloned() {
        let read = async {
            let body = read(caller, request, &page, &mut rate_limit).await?;
            Ok(pages.take(&body).map_err(CallError::Pages)?)
        };
        let objects = read.await.inspect_err(|_: &CliError| {
            if printed {
                let next = page.query().map_or_else(String::new, |query| format!("?{query}"));
                let next = excerpt(&format!("{}{next}", request.path.path));
                spinner::note(&format!("What comes before {next} is on stdout, the rest is not."));
            }
        })?;
        if objects.is_empty() {
            continue;
        }
        printed = true;
        if stdout.write(format!("{}\n", objects.join("\n")).as_bytes()).await? == Reader::Gone {
            break;
        }
    }
    Ok(())
}

/// The body of a page. While VideoAsk limits the rate of requests, this waits.
async fn read(
    caller: &Caller<'_>,
    request: &Request,
    page: &Page,
    rate_limit: &mut RateLimit,
) -> Result<Bytes, CliError> {
    loop {
        let mut response = caller.send_to(request, page.query(), InputBody::none()).await?;
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            let asked = http::retry_after(&response.headers, caller.now());
            if let Some(wait) = rate_limit.wait(asked) {
                spinner::note(&format!("VideoAsk limits the rate of requests; waiting {} s.", wait.as_secs()));
                spinner::during("Waiting", caller.clock().sleep(wait)).await;
                continue;
            }
        }
        let body = response.whole(LONGEST_PAGE).await?;
        if !response.status.is_success() {
            return Err(response.error(caller.now()).with_detail(&body).into());
        }
        rate_limit.passed();
        return Ok(body);
    }
}
