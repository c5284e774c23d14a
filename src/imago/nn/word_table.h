// What a text model shows to one that puts pictures among its words.
#pragma once

#include <string>

#include "imago/nn/layers.h"

namespace imago::nn {

struct WordTable {
  virtual ~WordTable() = default;
  virtual const Embedding& word_embeddings() const = 0;
  virtual std::string word_embeddings_name() const = 0;  // of the weight, within the model
};

}  // namespace imago::nn
