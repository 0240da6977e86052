//! Which slot of a cluster a key is in, and who owns it.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_redis::redis::{FromRedisValue, Value};

use crate::target::Address;

/// The slot of a key. Keys with the same text in their first braces share one, so that a script may
/// use them together.
pub(crate) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| {
        let (tag, _) = rest.split_once('}')?;
        (!tag.is_empty()).then_some(tag)
    });
    crc16(tag.unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as the cluster's specification has it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let high = (crc >> 8) as u8 ^ byte;
        (crc << 8) ^ TABLE[usize::from(high)]
    })
}

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = (at as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = if crc & 0x8000 == 0 { 0 } else { 0x1021 };
            crc = (crc << 1) ^ carry;
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// Ranges of slots, each with its owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotMap {
    /// First slot, last slot, owner; in order and not overlapping.
    ranges: Vec<(u16, u16, Arc<Address>)>,
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS`. `asked` stands in where a node does not know its own
    /// name.
    pub(crate) fn read(answer: Value, asked: &Address) -> Option<Self> {
        let Value::Array(rows) = answer else {
            return None;
        };
        let mut known = HashMap::<Address, Arc<Address>>::new();
        let mut ranges = Vec::with_capacity(rows.len());
        for row in rows {
            let Value::Array(row) = row else {
                return None;
            };
            let mut row = row.into_iter();
            let (first, last) = (number(row.next()?)?, number(row.next()?)?);
            let Some(Value::Array(owner)) = row.next() else {
                return None;
            };
            let mut owner = owner.into_iter();
            let host = Option::<String>::from_redis_value(owner.next()?).ok()?;
            let port = number(owner.next()?).filter(|port| *port != 0)?;
            let host = host.filter(|host| !host.is_empty() && host != "?");
            let host = host.unwrap_or_else(|| asked.host.clone());
            if first > last || last >= SLOTS {
                return None;
            }
            let address = Address { host, port };
            let shared = known
                .entry(address)
                .or_insert_with_key(|address| Arc::new(address.clone()));
            ranges.push((first, last, Arc::clone(shared)));
        }
        ranges.sort_by_key(|(first, _, _)| *first);
        let overlap = ranges.windows(2).any(|pair| pair[0].1 >= pair[1].0);
        (!overlap).then_some(Self { ranges })
    }

    pub(crate) fn owner(&self, slot: u16) -> Option<&Arc<Address>> {
        let at = self.ranges.partition_point(|(_, last, _)| *last < slot);
        let (first, _, owner) = self.ranges.get(at)?;
        (*first <= slot).then_some(owner)
    }

    /// Whether every slot has an owner.
    pub(crate) fn is_whole(&self) -> bool {
        let mut next = 0;
        for (first, last, _) in &self.ranges {
            if *first != next {
                return false;
            }
            next = last + 1;
        }
        next == SLOTS
    }

    pub(crate) fn owners(&self) -> impl Iterator<Item = &Arc<Address>> {
        self.ranges.iter().map(|(_, _, owner)| owner)
    }
}

/// The library would cut a number to size.
fn number(value: Value) -> Option<u16> {
    u16::try_from(i64::from_redis_value(value).ok()?).ok()
}

const SLOTS: u16 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_slot_that_the_specification_says() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (key, expected) in [("foo", 12182), ("bar", 5061), ("", 0)] {
            assert_eq!(slot(key), expected, "{key}");
        }
        // What stands in the first braces decides, if there is anything in them.
        assert_eq!(slot("{user:1}:a"), slot("user:1"));
        assert_eq!(slot("x{user:1}{other}"), slot("user:1"));
        assert_ne!(slot("{}a"), slot("{}b"));
        assert_eq!(slot("{{a}}"), slot("{a"));
        assert_eq!(slot("{open"), crc16(b"{open") % SLOTS);
    }

    fn row(first: i64, last: i64, host: &str, port: i64) -> Value {
        let owner = vec![Value::BulkString(host.into()), Value::Int(port)];
        Value::Array(vec![
            Value::Int(first),
            Value::Int(last),
            Value::Array(owner),
        ])
    }

    #[test]
    fn slots_are_owned_by_ranges_and_a_gap_is_seen() {
        let asked = Address::parse("asked:1", 1).unwrap();
        let read = |rows| SlotMap::read(Value::Array(rows), &asked);
        let map = read(vec![row(100, 16383, "b", 2), row(0, 99, "", 3)]).unwrap();
        assert!(map.is_whole());
        assert_eq!(map.owner(99).unwrap().to_string(), "asked:3");
        assert_eq!(map.owner(100).unwrap().to_string(), "b:2");
        let map = read(vec![row(0, 99, "a", 1), row(101, 16383, "b", 2)]).unwrap();
        assert!(!map.is_whole());
        assert_eq!(map.owner(100), None);
        assert!(!SlotMap::default().is_whole());
    }

    #[test]
    fn what_is_no_map_is_none() {
        let asked = Address::parse("asked:1", 1).unwrap();
        for answer in [
            Value::Nil,
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![row(5, 4, "a", 1)]),
            Value::Array(vec![row(0, 16384, "a", 1)]),
            Value::Array(vec![row(-1, 5, "a", 1)]),
            Value::Array(vec![row(0, 5, "a", 65_536)]),
            Value::Array(vec![row(0, 5, "a", 0)]),
            Value::Array(vec![row(0, 5, "a", 1), row(5, 6, "b", 1)]),
        ] {
            assert_eq!(SlotMap::read(answer, &asked), None);
        }
    }
}
