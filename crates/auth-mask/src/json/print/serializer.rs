//! What serde says of a value, as serde_json prints it.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::{Error, Value};

use super::Printer;
use super::key::Key;

type Printed = Result<(), Error>;

macro_rules! numbers {
    ($($serialize:ident $write:ident $number:ty;)*) => {$(
        fn $serialize(self, value: $number) -> Printed {
            self.number(|to| CompactFormatter.$write(to, value))
        }
    )*};
}

impl<'p, 'a, 'j> Serializer for &'p mut Printer<'a, 'j> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'p, 'a, 'j>;
    type SerializeTuple = Items<'p, 'a, 'j>;
    type SerializeTupleStruct = Items<'p, 'a, 'j>;
    type SerializeTupleVariant = Items<'p, 'a, 'j>;
    type SerializeMap = Members<'p, 'a, 'j>;
    type SerializeStruct = Members<'p, 'a, 'j>;
    type SerializeStructVariant = Members<'p, 'a, 'j>;

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
            return self.serialize_unit();
        }
        self.number(|to| CompactFormatter.write_f32(to, value))
    }

    fn serialize_f64(self, value: f64) -> Printed {
        if !value.is_finite() {
            return self.serialize_unit();
        }
        self.number(|to| CompactFormatter.write_f64(to, value))
    }

    fn serialize_bool(self, value: bool) -> Printed {
        self.plain(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Printed {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Printed {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Printed {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Printed {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Printed {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Printed {
        self.plain("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Printed {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Printed {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Printed {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Printed {
        self.open_object();
        self.field(variant, value)?;
        self.close_object();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Ok(Items::new(self, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Ok(Members::new(self, Kind::Object))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Error> {
        let kind = match name {
            NUMBER => Kind::Number,
            RAW_VALUE => Kind::RawValue,
            _ => Kind::Object,
        };
        Ok(Members::new(self, kind))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Ok(Members::new(self, Kind::Variant(variant)))
    }
}

/// A list that is being printed.
pub(super) struct Items<'p, 'a, 'j> {
    printer: &'p mut Printer<'a, 'j>,
    first: bool,
    /// Whether it is the value of a member of its own.
    variant: bool,
}

impl<'p, 'a, 'j> Items<'p, 'a, 'j> {
    fn new(printer: &'p mut Printer<'a, 'j>, variant: Option<&'static str>) -> Self {
        if let Some(name) = variant {
            printer.open_object();
            printer.begin_field(name);
        }
        printer.open_list();
        Self {
            printer,
            first: true,
            variant: variant.is_some(),
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
        if !std::mem::take(&mut self.first) {
            self.printer.push(",");
        }
        value.serialize(&mut *self.printer)
    }

    fn close(self) -> Printed {
        self.printer.close_list();
        if self.variant {
            self.printer.end_member();
            self.printer.close_object();
        }
        Ok(())
    }
}

/// An object that is being printed.
pub(super) struct Members<'p, 'a, 'j> {
    printer: &'p mut Printer<'a, 'j>,
    kind: Kind,
}

enum Kind {
    Object,
    /// The value of a member of its own, which has this name.
    Variant(&'static str),
    /// No object: a number by its spelling.
    Number,
    /// No object: a document that was printed before.
    RawValue,
}

/// The names under which serde_json hands over what it prints as it is.
const NUMBER: &str = "$serde_json::private::Number";
const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl<'p, 'a, 'j> Members<'p, 'a, 'j> {
    fn new(printer: &'p mut Printer<'a, 'j>, kind: Kind) -> Self {
        match kind {
            Kind::Object => printer.open_object(),
            Kind::Variant(name) => {
                printer.open_object();
                printer.begin_field(name);
                printer.open_object();
            }
            Kind::Number | Kind::RawValue => {}
        }
        Self { printer, kind }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Printed {
        match (&self.kind, name) {
            (Kind::Object | Kind::Variant(_), _) => self.printer.field(name, value),
            (Kind::Number, NUMBER) | (Kind::RawValue, RAW_VALUE) => {
                match serde_json::to_value(value)? {
                    Value::String(document) => self.printer.raw(&document),
                    _ => Err(Error::custom("it is no text")),
                }
            }
            _ => Err(Error::custom("it has no such member")),
        }
    }

    fn close(self) -> Printed {
        match self.kind {
            Kind::Object => self.printer.close_object(),
            Kind::Variant(_) => {
                self.printer.close_object();
                self.printer.end_member();
                self.printer.close_object();
            }
            Kind::Number | Kind::RawValue => {}
        }
        Ok(())
    }
}

macro_rules! items {
    ($($list:ident $serialize:ident;)*) => {$(
        impl $list for Items<'_, '_, '_> {
            type Ok = ();
            type Error = Error;

            fn $serialize<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
                self.item(value)
            }

            fn end(self) -> Printed {
                self.close()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl SerializeMap for Members<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Printed {
        key.serialize(Key(self.printer))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Printed {
        value.serialize(&mut *self.printer)?;
        self.printer.end_member();
        Ok(())
    }

    fn end(self) -> Printed {
        self.close()
    }
}

macro_rules! members {
    ($($object:ident)*) => {$(
        impl $object for Members<'_, '_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Printed {
                self.field(name, value)
            }

            fn end(self) -> Printed {
                self.close()
            }
        }
    )*};
}

members!(SerializeStruct SerializeStructVariant);
