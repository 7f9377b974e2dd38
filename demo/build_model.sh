#!/usr/bin/env bash
# Trains the demo's detector again, from the imagery to the finished package, with the commands a user would type.
# Called by `make demo-model`. Safe to interrupt and run again: scenes, snapshots and training go on where they were.
#   WORK    folder for everything in between   (default: build/demo-model)
#   OUTPUT  folder of the finished package     (default: demo/tree-crowns)
#   STOP_AFTER_SNAPSHOTS=1  make the snapshots and no more
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(realpath -m "${WORK:-build/demo-model}")
output=${OUTPUT:-demo/tree-crowns}
near=2019_YELL_2_528000_4978000_image_crop2
test=2019_YELL_2_541000_4977000_image_crop
far=OSBS_029
# Two blocks of one scene (2299 x 2472). The 110 rows between them are more than the largest crown is high: no crown and
# no pixel is on both sides.
train_window=0,0,2299,1940
validation_window=0,2050,2299,422

vedette() { .venv/bin/vedette "$@"; }
on_data() { vedette "$@" --data "$work/data"; }

make_snapshots() {
  local images
  images=$(.venv/bin/python scripts/fetch_data.py)
  # No detector works here: the scenes are normalised, labelled and cut, no more.
  vedette up --detach --data "$work/data" --detector-workers 0
  trap 'on_data down >&2 || true' EXIT
  on_data dataset create tree-crowns --title "Tree crowns"
  on_data item push "$images/$near.png" "$images/$test.png" "$images/$far.tif" --dataset tree-crowns --wait
  on_data dataset import "$images/$near.xml" --dataset tree-crowns
  on_data dataset import "$images/$test.xml" --dataset tree-crowns
  on_data dataset import "$images/$far.csv" --dataset tree-crowns
  pull train --item "$near.png" --window "$train_window"
  pull validation --item "$near.png" --window "$validation_window"
  pull test --item "$test.png"
  pull osbs --item "$far.tif"
  trap - EXIT
  on_data down
}

pull() { # name, selection...: a snapshot of the selection, as a folder
  local name=$1 digest
  shift
  digest=$(on_data dataset snapshot tree-crowns "$@")
  on_data dataset pull "$digest" -o "$work/snapshots/$name"
}

mkdir -p "$work"
if [ ! -e "$work/snapshots/.made" ]; then
  make_snapshots
  touch "$work/snapshots/.made"
fi
[ -z "${STOP_AFTER_SNAPSHOTS:-}" ] || exit 0

vedette train -f demo/train.yaml \
  --train "$work/snapshots/train" --validation "$work/snapshots/validation" --test "$work/snapshots/test" \
  --also "osbs=$work/snapshots/osbs" --work "$work/training" -o "$output"

# The same figures through the product's own inference: what a run on the scene would say.
vedette evaluate --detector "$output" --snapshot "$work/snapshots/test"
