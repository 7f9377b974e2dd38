"""Steps of a recipe, by their registered name: `before` the model on pixels, `after` it on detections."""
