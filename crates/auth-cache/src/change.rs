/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub(crate) existed: bool,
    pub(crate) is_shared: bool,
}

impl Change {
    /// Whether there was something before, in either level, as far as it could be asked.
    pub fn existed(self) -> bool {
        self.existed
    }

    /// Whether the level behind has it and the others were told. Where there is no such level, there
    /// is nobody to tell. If not, it is made good when the level behind is back; until then the others
    /// may serve what was there before, within the bound of its space. A value that cannot be written there,
    /// because it is too large or there is no key to seal it with, is never shared: in its place the
    /// level behind and the others have nothing.
    pub fn is_shared(self) -> bool {
        self.is_shared
    }
}
