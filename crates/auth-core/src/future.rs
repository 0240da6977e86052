use std::future::Future;
use std::pin::Pin;

/// A future behind a pointer, as the asynchronous ports of these crates return it.
///
/// It keeps a port usable as `dyn Trait` and ties it to no runtime.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
