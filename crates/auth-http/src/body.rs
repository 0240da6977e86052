use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

/// Why a body could not be read to its end.
pub(crate) enum BodyError {
    TooLarge,
    Broken(hyper::Error),
}

/// Reads a body of at most `max` bytes, and counts in `read` what has arrived.
///
/// A length that is announced beyond that is refused before anything is read; one that is not
/// announced, as soon as it is passed.
pub(crate) async fn read(
    mut body: Incoming,
    max: usize,
    read: &mut u64,
) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(BodyError::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // What is no data is a trailer, and nobody asks for those.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        *read += data.len() as u64;
        if data.len() > max - whole.len() {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.reserve(announced.saturating_sub(whole.len()).max(data.len()));
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
