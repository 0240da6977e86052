use auth_mask::Masker;

/// The beginning of a body, masked; `None` if there is nothing to show.
///
/// All of it is masked, and then it is cut: what is cut first may no longer look like a secret. Of
/// one that is not whole nothing is shown, unless its end is far from what would be.
pub(crate) fn of(masker: &Masker, body: &[u8], is_whole: bool) -> Option<Box<str>> {
    if !is_whole && body.len() < FAR {
        return None;
    }
    let text = String::from_utf8_lossy(body.trim_ascii());
    let mut shown = String::new();
    if text.starts_with(['{', '[', '"']) {
        // Of a document with a fault it shows what comes before that.
        let _ = masker.mask_json_into(&text, &mut shown);
    } else {
        shown = masker.mask_text(&text);
    }
    let end = (0..=MAX.min(shown.len()))
        .rev()
        .find(|&end| shown.is_char_boundary(end));
    shown.truncate(end.unwrap_or_default());
    (!shown.is_empty()).then(|| shown.into())
}

const MAX: usize = 2048;
const FAR: usize = 8 * MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: Option<&str>) {
        assert_eq!(of(&Masker::default(), body, true).as_deref(), expected);
    }

    #[test]
    fn secrets_are_masked_in_json_in_text_and_in_what_is_broken() {
        let masked = r#"{"user":"ada","password":"***MASKED***"}"#;
        check(br#" {"user":"ada","password":"s3cr3t"} "#, Some(masked));
        let half = br#"{"user":"ada","password":"s3cr3t"#;
        let shown = of(&Masker::default(), half, true).unwrap();
        assert!(
            shown.contains("ada") && !shown.contains("s3cr3t"),
            "{shown}"
        );
        check(
            b"<p>401 for Bearer eyJh.eyJz.c2ln</p>",
            Some("<p>401 for Bearer ***MASKED***</p>"),
        );
        check(b"", None);
        check(b" \n", None);
        check(b"\xff\xfe", Some("\u{fffd}\u{fffd}"));
    }

    #[test]
    fn what_is_long_is_cut_after_it_was_masked_and_between_characters() {
        let text = "\u{e4}".repeat(5000);
        let shown = of(&Masker::default(), text.as_bytes(), true).unwrap();
        assert_eq!(shown.len(), MAX);
        let text = format!("{} Bearer eyJh.eyJz.c2ln", "x".repeat(MAX - 15));
        let shown = of(&Masker::default(), text.as_bytes(), true).unwrap();
        assert!(!shown.contains("eyJ"), "{shown}");
    }

    #[test]
    fn of_what_is_not_whole_nothing_near_its_end_is_shown() {
        let masker = Masker::default();
        let text = "x".repeat(FAR);
        assert_eq!(of(&masker, &text.as_bytes()[1..], false), None);
        let shown = of(&masker, text.as_bytes(), false).unwrap();
        assert_eq!(shown.len(), MAX);
    }
}
