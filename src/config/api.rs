//! `VIDEOASK_API_URL` and `ORGANIZATION_ID`: how to reach VideoAsk's API.

use url::Url;

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    variable::{ORGANIZATION_ID, VIDEOASK_API_URL},
    web_url,
};

/// How to reach VideoAsk's API.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// `VIDEOASK_API_URL`, without a trailing slash; may have a base path.
    pub url: Url,
    /// `ORGANIZATION_ID`, sent as the header `organization-id`.
    pub organization_id: Option<String>,
}

impl ApiConfig {
    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        let url = reader.or_default(VIDEOASK_API_URL, "https://api.videoask.com", web_url::parse);
        let organization_id = reader.optional(ORGANIZATION_ID, parse_organization);
        Ok(Self { url: web_url::without_trailing_slash(url?), organization_id: organization_id? })
    }
}

fn parse_organization(text: &str) -> Result<String, Issue> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let fix = "Copy the id from the response of VideoAsk's GET /organizations.";
        return Err(Issue::new("it has a character that cannot be in a header", fix));
    }
    Ok(text.to_owned())
}
