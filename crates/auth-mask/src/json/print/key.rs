//! The names of a map, of whatever types they are.

use serde::ser::{Error as _, Impossible, Serialize, Serializer};
use serde_json::Error;
use serde_json::ser::{CompactFormatter, Formatter};

use super::{Digits, Printer};

/// Takes a key for a name: a text, or what serde_json puts in quotation marks to make one of it.
pub(super) struct Key<'p, 'a, 'j>(pub(super) &'p mut Printer<'a, 'j>);

type Printed = Result<(), Error>;

fn no_name() -> Error {
    Error::custom("it cannot be the name of a member")
}

macro_rules! numbers {
    ($($serialize:ident $write:ident $number:ty;)*) => {$(
        fn $serialize(self, value: $number) -> Printed {
            let mut digits = Digits::new();
            self.serialize_str(digits.print(|to| CompactFormatter.$write(to, value))?)
        }
    )*};
}

impl Serializer for Key<'_, '_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    numbers! {
        serialize_i8 write_i8 i8;
        serialize_i16 write_i16 i16;
        serialize_i32 write_i32 i32;
        serialize_i64 write_i64 i64;
        serialize_i128 write_i128 i128;
        serialize_u8 write_u8 u8;
        serialize_u16 write_u16 u16;
        serialize_u32 write_u32 u32;
        serialize_u64 write_u64 u64;
        serialize_u128 write_u128 u128;
    }

    fn serialize_f32(self, value: f32) -> Printed {
        if !value.is_finite() {
            return Err(no_name());
        }
        let mut digits = Digits::new();
        self.serialize_str(digits.print(|to| CompactFormatter.write_f32(to, value))?)
    }

    fn serialize_f64(self, value: f64) -> Printed {
        if !value.is_finite() {
            return Err(no_name());
        }
        let mut digits = Digits::new();
        self.serialize_str(digits.print(|to| CompactFormatter.write_f64(to, value))?)
    }

    fn serialize_bool(self, value: bool) -> Printed {
        self.serialize_str(if value { "true" } else { "false" })
    }

    fn serialize_char(self, value: char) -> Printed {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Printed {
        self.0.begin_member(value);
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Printed {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Printed {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Printed {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Printed {
        Err(no_name())
    }

    fn serialize_none(self) -> Printed {
        Err(no_name())
    }

    fn serialize_unit(self) -> Printed {
        Err(no_name())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Printed {
        Err(no_name())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Printed {
        Err(no_name())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Err(no_name())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(no_name())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(no_name())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(no_name())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(no_name())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        Err(no_name())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(no_name())
    }
}
