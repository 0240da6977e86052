//! Which lists and objects are open.

/// One bit for each, so that there is no depth at which masking stops: a million levels take the
/// memory of a page of text.
#[derive(Debug, Default)]
pub(super) struct Levels {
    depth: usize,
    /// The innermost ones, the last in the lowest bit.
    near: u64,
    /// Those around them, 64 at a time.
    far: Vec<u64>,
    /// How many of the latter have an object.
    far_objects: usize,
}

impl Levels {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn open(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.far.push(self.near);
            self.far_objects += usize::from(self.near != 0);
        }
        self.depth += 1;
        self.near = self.near << 1 | u64::from(object);
    }

    /// Whether the innermost one is an object.
    pub(super) fn in_object(&self) -> bool {
        self.near & 1 == 1
    }

    /// Whether any of them is an object.
    pub(super) fn has_object(&self) -> bool {
        self.near != 0 || self.far_objects > 0
    }

    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.near >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.near = self.far.pop().unwrap_or_default();
            self.far_objects -= usize::from(self.near != 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_is_closed_in_reverse_at_any_depth() {
        let kind = |depth: usize| depth.is_multiple_of(3) || depth % 7 == 1;
        let mut levels = Levels::default();
        for depth in 0..1000 {
            levels.open(kind(depth));
            assert_eq!(levels.in_object(), kind(depth));
            assert!(levels.has_object());
        }
        for depth in (0..1000).rev() {
            assert_eq!(levels.depth(), depth + 1);
            assert_eq!(levels.in_object(), kind(depth), "{depth}");
            levels.close();
        }
        assert_eq!(levels.depth(), 0);
        assert!(!levels.has_object());
    }

    #[test]
    fn an_object_is_known_however_many_lists_are_in_it() {
        let mut levels = Levels::default();
        for depth in 0..1000 {
            levels.open(depth == 70);
            assert_eq!(levels.has_object(), depth >= 70, "{depth}");
        }
        for depth in (0..1000).rev() {
            assert_eq!(levels.has_object(), depth >= 70, "{depth}");
            levels.close();
        }
    }
}
