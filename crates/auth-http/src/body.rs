use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

/// Why a body could not be read to its end.
pub(crate) enum BodyError {
    TooLarge,
    /// With what the stack says of it; it takes a stream of HTTP/2 that the server gave up without
    /// an error for the end.
    Broken(Option<hyper::Error>),
}

/// How many bytes of a body are still to come, as far as that is announced.
///
/// What answers HEAD, and what has no body by its status, announces what there would be otherwise
/// (RFC 9110 §8.6).
pub(crate) fn announced(body: &Incoming, method: &Method, status: StatusCode) -> u64 {
    let is_empty = *method == Method::HEAD
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || body.is_end_stream();
    match is_empty {
        true => 0,
        false => body.size_hint().lower(),
    }
}

/// Reads a body of at most `max` bytes, of which so many are `announced`, and counts in `read` what
/// has arrived.
///
/// A length that is announced beyond that is refused before anything is read; one that is not
/// announced, as soon as it is passed.
pub(crate) async fn read(
    mut body: Incoming,
    announced: u64,
    max: usize,
    read: &mut u64,
) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > max {
        return Err(BodyError::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // What is no data is a trailer, and nobody asks for those.
        let Ok(data) = frame.map_err(|e| BodyError::Broken(Some(e)))?.into_data() else {
            continue;
        };
        *read += data.len() as u64;
        if data.len() > max - whole.len() {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() && data.len() >= announced && body.is_end_stream() {
            return Ok(data);
        }
        whole.reserve(announced.saturating_sub(whole.len()).max(data.len()));
        whole.extend_from_slice(&data);
    }
    match whole.len() < announced {
        true => Err(BodyError::Broken(None)),
        false => Ok(whole.freeze()),
    }
}

/// Reads the first `max` bytes of a body, and says whether that is all of it; otherwise as [`read`].
pub(crate) async fn read_beginning(
    mut body: Incoming,
    announced: u64,
    max: usize,
    read: &mut u64,
) -> Result<(Bytes, bool), BodyError> {
    let mut beginning = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|e| BodyError::Broken(Some(e)))?.into_data() else {
            continue;
        };
        *read += data.len() as u64;
        let room = max - beginning.len();
        beginning.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((beginning.freeze(), false));
        }
    }
    match (beginning.len() as u64) < announced {
        true => Err(BodyError::Broken(None)),
        false => Ok((beginning.freeze(), true)),
    }
}
