//! `authctl mask`.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, Read, Write};

use auth_mask::{MaskPolicy, Masker};

use crate::args::{MaskArguments, MaskFormat};
use crate::failure::Failure;
use crate::status::Status;

pub(crate) fn run(arguments: &MaskArguments) -> Status {
    masked(arguments).unwrap_or_else(|failure| {
        failure.report(false);
        Status::Undecided
    })
}

fn masked(arguments: &MaskArguments) -> Result<Status, Failure> {
    let mut policy = policy(&arguments.policy)?;
    for name in &arguments.show {
        policy = policy.show_name(name);
    }
    let masker = Masker::new(policy);
    let mut stdin = io::stdin().lock();
    let mut status = Status::Good;
    if !arguments.lines {
        let mut input = Vec::new();
        let read = stdin.read_to_end(&mut input);
        read.map_err(|error| Failure::input(&error))?;
        return show(&masker, arguments.format, &input, None);
    }
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = stdin.read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::input(&error))? == 0 {
            break;
        }
        status = status.max(show(&masker, arguments.format, &line, Some(number))?);
    }
    Ok(status)
}

/// Writes what may be shown of one document, and says on standard error if that is not all of it.
fn show(
    masker: &Masker,
    format: MaskFormat,
    input: &[u8],
    line: Option<u64>,
) -> Result<Status, Failure> {
    let (content, newline) = split_newline(input);
    let (mut shown, fault) = match format {
        MaskFormat::Json => json(masker, content),
        MaskFormat::Text => (masker.mask_text(&String::from_utf8_lossy(content)), None),
        MaskFormat::Query => (masker.mask_query(&String::from_utf8_lossy(content)), None),
        MaskFormat::Headers => (headers(masker, &String::from_utf8_lossy(content)), None),
    };
    // A document that was cut still ends its line, or the next one would be a part of it.
    shown.push_str(if fault.is_some() { "\n" } else { newline });
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(shown.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))?;
    let Some(fault) = fault else {
        return Ok(Status::Good);
    };
    let place = line.map_or_else(String::new, |line| format!("line {line} of the input: "));
    Failure::new(
        "input_invalid",
        format!("{place}{fault}"),
        "what stands before the fault was printed, masked; --format text masks what is no JSON",
    )
    .report(false);
    Ok(Status::Refused)
}

/// What may be shown, and what is wrong with the rest.
fn json(masker: &Masker, content: &[u8]) -> (String, Option<String>) {
    let mut shown = String::with_capacity(content.len());
    let masked = masker.mask_json_bytes_into(content, &mut shown);
    (shown, masked.err().map(|error| error.to_string()))
}

/// One header a line, or more if they are folded (RFC 9112 §5.2); what is none is masked as text.
fn headers(masker: &Masker, text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut last_name = None;
    for line in text.split_inclusive('\n') {
        let (content, newline) = split_newline(line.as_bytes());
        let content = String::from_utf8_lossy(content);
        let folded = last_name
            .clone()
            .filter(|_| content.starts_with([' ', '\t']));
        let header = content.split_once(':');
        let header = header.filter(|(name, _)| !name.trim_end().contains([' ', '\t']));
        let (name, before, value) = match (folded, header) {
            (Some(name), _) => (Some(name), "", &*content),
            (None, Some((name, value))) => (Some(name.to_owned()), &content[..=name.len()], value),
            (None, None) => (None, "", &*content),
        };
        let space = value.len() - value.trim_start().len();
        shown.push_str(before);
        match &name {
            Some(name) => {
                shown.push_str(&value[..space]);
                let value = masker.mask_headers([(name, &value[space..])]);
                shown.extend(value.into_iter().map(|(_, value)| value));
            }
            None => shown.push_str(&masker.mask_text(value)),
        }
        shown.push_str(newline);
        last_name = name;
    }
    shown
}

/// The content, and the newline that ends it.
fn split_newline(input: &[u8]) -> (&[u8], &'static str) {
    match input {
        [content @ .., b'\r', b'\n'] => (content, "\r\n"),
        [content @ .., b'\n'] => (content, "\n"),
        content => (content, ""),
    }
}

/// By name, or from a file.
fn policy(name: &str) -> Result<MaskPolicy, Failure> {
    match name {
        "iso27001" => return Ok(MaskPolicy::iso27001()),
        "miso-4.9" => return Ok(MaskPolicy::miso_4_9()),
        "strict" => return Ok(MaskPolicy::strict()),
        _ => {}
    }
    let unusable = |why: Cow<'static, str>| {
        Failure::new(
            "policy_unusable",
            format!("the value of --policy cannot be used: {why}"),
            "name iso27001, miso-4.9 or strict, or a file in the format of docs/masking.md",
        )
    };
    let json = fs::read(name).map_err(|error| unusable(error.to_string().into()))?;
    MaskPolicy::from_file(&json).map_err(|error| unusable(error.to_string().into()))
}
