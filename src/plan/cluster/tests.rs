//! Clusters as they are planned.
