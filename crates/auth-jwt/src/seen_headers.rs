//! Headers that were read before.

use std::sync::OnceLock;

use crate::header::Header;

/// The headers of accepted tokens, by the text they stand in, the first few there were.
///
/// All tokens of one key have one header, so it need not be decoded and read for each. Only a token
/// that was accepted brings one in: nobody else can fill the places. What has found no place is
/// read each time, which takes a tenth of a microsecond.
#[derive(Debug, Default)]
pub(crate) struct SeenHeaders([OnceLock<(Box<str>, Header)>; 8]);

impl SeenHeaders {
    #[inline]
    pub(crate) fn get(&self, text: &str) -> Option<&Header> {
        let seen = self.0.iter().map_while(OnceLock::get);
        let mut same = seen.filter(|(seen, _)| **seen == *text);
        same.next().map(|(_, header)| header)
    }

    pub(crate) fn add(&self, text: &str, header: &Header) {
        if self.get(text).is_none()
            && let Some(place) = self.0.iter().find(|place| place.get().is_none())
        {
            // Two at a time may want it; the other one is read once more.
            place.get_or_init(|| (text.into(), header.clone()));
        }
    }
}
