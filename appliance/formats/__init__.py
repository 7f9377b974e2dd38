"""Files as people exchange them: model packages, snapshots, label files. Depends on contracts only; pure but for the files it is given."""
