use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes a time as RFC 3339 has it, in UTC with microseconds: `2026-11-21T22:42:30.412330Z`.
///
/// Before 1970 and after the year 9999 it writes the nearest time between them: wires have no room
/// for more.
///
/// # Example
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let time = UNIX_EPOCH + Duration::from_micros(1_700_000_000_412_330);
/// assert_eq!(auth_core::to_rfc3339(time), "2023-11-14T22:13:20.412330Z");
/// ```
pub fn to_rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = since.min(Duration::new(LAST_SECOND, 999_999_000));
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Reads a time as RFC 3339 has it: `2026-11-21T22:42:30.412330Z`, or with an offset from UTC.
/// `None` if the text is not that, or the time is before 1970. Fractions beyond nanoseconds are
/// cut.
///
/// # Example
///
/// ```
/// let time = auth_core::from_rfc3339("2023-11-14T23:13:20.41+01:00").unwrap();
/// assert_eq!(auth_core::to_rfc3339(time), "2023-11-14T22:13:20.410000Z");
/// assert_eq!(auth_core::from_rfc3339("yesterday"), None);
/// ```
pub fn from_rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, offset) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let offset = match offset.split_at(1) {
        ("Z" | "z", "") => 0,
        (sign, hours_minutes) => {
            let [hours, minutes] = numbers::<2>(hours_minutes, ':', &[2, 2])?;
            let offset = i64::try_from(hours * 3600 + minutes * 60).ok()?;
            let valid = hours <= 23 && minutes <= 59;
            valid.then_some(if sign == "-" { -offset } else { offset })?
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers::<3>(date, '-', &[4, 2, 2])?;
    let [hour, minute, second] = numbers::<3>(clock, ':', &[2, 2, 2])?;
    let days = days_since_1970(year, month, day)?;
    if hour > 23 || minute > 59 || second > 60 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{:0<9.9}", fraction).parse().ok()?;
    let secs = i64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()?;
    let secs = u64::try_from(secs - offset).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(secs, nanos))
}

/// Numbers of so many digits, separated.
fn numbers<const N: usize>(text: &str, separator: char, digits: &[usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != *digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The inverse of [`civil_date`], which also tells whether there is such a day.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    // Years begin in March here, as in `civil_date`.
    let year_from_march = year - u64::from(month <= 2);
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    (civil_date(days) == (year, month, day)).then_some(days)
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// It counts in eras of 400 years that begin on a first of March, so that the leap day comes last.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, date) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (LAST_SECOND, "9999-12-31T23:59:59.000000Z"),
            (LAST_SECOND + 1, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(to_rfc3339(UNIX_EPOCH + Duration::from_secs(secs)), date);
            if secs <= LAST_SECOND {
                let time = UNIX_EPOCH + Duration::from_secs(secs);
                assert_eq!(from_rfc3339(date), Some(time), "{date}");
            }
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(to_rfc3339(before), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn what_is_no_time_is_not_read_as_one() {
        for text in [
            "",
            "T",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-01-00T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:60:00Z",
            "2023-01-01T00:00:00.-1Z",
            "2023-01-01T00:00:00Zz",
            "2023-01-01T00:00:00+1:00",
            "2023-01-01T00:00:00+24:00",
            "+023-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2023-01-01T00:00:00\u{ff3a}",
        ] {
            assert_eq!(from_rfc3339(text), None, "{text:?}");
        }
        assert!(from_rfc3339("2023-01-01 00:00:00.123456789123z").is_some());
    }
}
