use std::fmt;

use bytes::Bytes;
use deadpool_redis::redis::{self, FromRedisValue, ParsingError};

/// What a server answers to a [script](crate::Script) or to a [command](crate::Redis::command) that
/// has no method of its own.
///
/// `Debug` shows the form and no contents.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisValue {
    /// Nothing.
    Nil,
    /// A number.
    Integer(i64),
    /// Text or bytes.
    Bytes(Bytes),
    /// Several values, in order; a map is its keys and values in turns.
    List(Vec<Self>),
}

impl RedisValue {
    /// The number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The text or bytes, if it is such.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The values in it, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

impl fmt::Debug for RedisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Integer(_) => f.write_str("Integer(..)"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::List(values) => f.debug_tuple("List").field(values).finish(),
        }
    }
}

impl FromRedisValue for RedisValue {
    fn from_redis_value(value: redis::Value) -> Result<Self, ParsingError> {
        let list = |values: Vec<redis::Value>| {
            let values = values.into_iter().map(Self::from_redis_value);
            values.collect::<Result<_, _>>().map(Self::List)
        };
        Ok(match value {
            redis::Value::Nil => Self::Nil,
            redis::Value::Int(number) => Self::Integer(number),
            redis::Value::Boolean(is) => Self::Integer(is.into()),
            redis::Value::BulkString(bytes) => Self::Bytes(bytes.into()),
            redis::Value::SimpleString(text) => Self::Bytes(text.into()),
            redis::Value::VerbatimString { text, .. } => Self::Bytes(text.into()),
            redis::Value::Double(number) => Self::Bytes(number.to_string().into()),
            redis::Value::Okay => Self::Bytes(Bytes::from_static(b"OK")),
            redis::Value::Array(values) | redis::Value::Set(values) => return list(values),
            redis::Value::Map(pairs) => {
                return list(
                    pairs
                        .into_iter()
                        .flat_map(|(key, value)| [key, value])
                        .collect(),
                );
            }
            other => {
                let bytes = Vec::<u8>::from_redis_value(other)?;
                Self::Bytes(bytes.into())
            }
        })
    }
}
