//! The part of VideoAsk's API that the app and its tests use.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    routing::{MethodRouter, get},
};
use serde_json::{Value, json};

use super::{
    StandIn,
    caller::{ApiError, Caller},
    fault_layer,
    faults::{self, Endpoint},
    lists::{self, PageQuery},
    users::{User, uuid},
};

const FORMS: [usize; 2] = [45, 7];

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    let guarded = |endpoint, methods: MethodRouter<StandIn>| {
        fault_layer::with_faults(standin, endpoint, methods.fallback(wrong_method))
    };
    Router::new()
        .route(&standin.api_path("/me"), guarded(Endpoint::Me, get(me)))
        .route(&standin.api_path("/organizations"), guarded(Endpoint::Organizations, get(organizations)))
        .route(&standin.api_path("/forms"), guarded(Endpoint::Forms, get(forms)))
}

pub(super) async fn not_found() -> ApiError {
    ApiError(StatusCode::NOT_FOUND, "Not found.".into())
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
}

async fn me(State(standin): State<StandIn>, Caller(user): Caller) -> Json<Value> {
    let mut me = json!({
        "user_id": user.user_id(),
        "username": user.name,
        "email": user.email,
        "created_at": "2024-02-29T09:30:00Z",
        "terms_accepted": true,
        "marketing_consent": false,
    });
    faults::replace(&mut me, standin.faults().me);
    Json(me)
}

async fn organizations(
    State(standin): State<StandIn>,
    Caller(user): Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Json<Value> {
    let names = [format!("{}'s videoasks", user.name), "Analytical Engines Ltd".into()];
    let all: Vec<Value> = user
        .organization_ids()
        .into_iter()
        .zip(names)
        .map(|(id, name)| json!({"organization_id": id, "name": name, "created_at": "2024-02-29T09:30:00Z"}))
        .collect();
    lists::page(&standin, &uri, &query, &all)
}

async fn forms(
    State(standin): State<StandIn>,
    Caller(user): Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let organization = organization(&user, &headers)?;
    let all: Vec<Value> = (0..FORMS[organization]).map(|n| form(&user, organization, n)).collect();
    Ok(lists::page(&standin, &uri, &query, &all))
}

/// Which of the user's organizations the `organization-id` header picks.
fn organization(user: &User, headers: &HeaderMap) -> Result<usize, ApiError> {
    let Some(wanted) = headers.get("organization-id") else { return Ok(0) };
    let found = user.organization_ids().iter().position(|id| wanted == id.as_str());
    found.ok_or_else(|| ApiError(StatusCode::FORBIDDEN, "You do not have permission to perform this action.".into()))
}

fn form(user: &User, organization: usize, n: usize) -> Value {
    const TITLES: [&str; 9] = [
        "Welcome on board",
        "How was your first week?",
        "Customer story",
        "Job interview, first round",
        "Product feedback",
        "Ask me anything",
        "Course introduction",
        "Support: what went wrong?",
        "Event sign-up",
    ];
    let id = uuid(&format!("form {n} of organization {organization} of {}", user.email));
    let day = 1 + n % 28;
    json!({
        "form_id": id,
        "title": format!("{} ({})", TITLES[n % TITLES.len()], n + 1),
        "share_id": &id[..8],
        "share_url": format!("https://www.videoask.com/{}", &id[..8]),
        "status": "published",
        "questions_count": 1 + n % 5,
        "created_at": format!("2025-03-{day:02}T10:00:00Z"),
        "updated_at": format!("2025-04-{day:02}T10:00:00Z"),
    })
}
