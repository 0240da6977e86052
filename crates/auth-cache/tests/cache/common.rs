//! A loader that counts how often it was asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Answer = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

#[derive(Clone, Default)]
pub(crate) struct Loader(Arc<AtomicUsize>);

impl Loader {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// The answer of a source that is there.
    pub(crate) fn answer(&self, value: &'static str) -> Answer {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(value.to_owned()) })
    }

    /// A source that is there.
    pub(crate) fn load(&self, value: &'static str) -> Box<dyn FnOnce() -> Answer + Send> {
        let loader = self.clone();
        Box::new(move || loader.answer(value))
    }

    /// A source that is away.
    pub(crate) fn failing(&self) -> Box<dyn FnOnce() -> Answer + Send> {
        let loader = self.clone();
        Box::new(move || {
            loader.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err("the service is away".to_owned()) })
        })
    }
}
