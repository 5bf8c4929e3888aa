//! Clusters as recipes, and what comes of them.
