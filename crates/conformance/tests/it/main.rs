//! The shape of the repository: who depends on whom, and that the demos are alike.

mod layers;
mod names;
mod readme;
mod symmetry;
