#!/usr/bin/env bash
# Measures the GPU at hand in at most eight minutes: tests, classics and three transformers, and a calibration.
# bash tests/gpu/measure.sh [FOLDER]; what it writes belongs into reports/measured/. What the roofline of a device and
# the estimate said before is written beside it: bash tests/gpu/measure.sh FOLDER h100-sxm
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-reports/measured}
device=${2:-}
name=cuda-$(date -u +%F)
archcalc=${ARCHCALC:-.venv/bin/archcalc}
classics=(alexnet vgg16 googlenet resnet50@torchvision mobilenet_v2 densenet121)
transformers=(vit_b_16 bert_base gpt2)

if [ -n "$device" ]; then
  for network in "${classics[@]}" "${transformers[@]}"; do
    for dtype in fp32 bf16; do
      "$archcalc" estimate "$network" --device "$device" --dtype "$dtype" --batch 64 --format csv
    done
  done | awk 'NR == 1 || !/^network,/' > "$folder/$name-before.csv"
fi
timeout 60 "${PYTEST:-.venv/bin/pytest}" -q -n 0 -m gpu tests/gpu
timeout 150 "$archcalc" profile "${classics[@]}" --device cuda --batch 1,64 --dtype fp32,bf16 -o "$folder/$name.json"
timeout 90 "$archcalc" profile "${classics[@]}" --device cuda --batch 64 --dtype bf16 --channels-last \
  -o "$folder/$name-channels-last.json"
timeout 90 "$archcalc" profile "${transformers[@]}" --device cuda --batch 1,64 --dtype bf16 \
  -o "$folder/$name-transformers.json"
timeout 90 "$archcalc" calibrate --device cuda --batch 64 --train -o "$folder/$name-calibration.yaml"
