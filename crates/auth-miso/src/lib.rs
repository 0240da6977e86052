//! The Miso controller.
