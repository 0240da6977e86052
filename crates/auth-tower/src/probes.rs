use auth_client::AuthClient;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;

/// Two routes for whoever watches over the service, to be merged into its router: `/health/live`
/// answers 200 as long as the process does, `/health/ready` answers 200 or 503 by
/// [`AuthClient::health`], with the details as JSON. They ask nobody, so that they can be asked often.
///
/// The details name no secret, but they are nobody else's business: keep the route inside.
///
/// # Example
///
/// ```
/// use auth_client::AuthClient;
/// use axum::Router;
///
/// fn app(client: &AuthClient) -> Router {
///     Router::new().merge(auth_tower::probes(client))
/// }
/// ```
pub fn probes<S: Clone + Send + Sync + 'static>(client: &AuthClient) -> Router<S> {
    let client = client.clone();
    let ready = async move || {
        let health = client.health();
        let status = if health.is_ready() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, Json(health))
    };
    Router::new()
        .route("/health/live", get(async || StatusCode::OK))
        .route("/health/ready", get(ready))
}
