// What the models of tokenizer.json have in common when they are written.
#pragma once

namespace imago::tokenizers {

class JsonWriter;
class Vocabulary;

// The member "vocab" as an object in the order of the ids.
void write_vocab(const Vocabulary& vocabulary, JsonWriter& writer);

}  // namespace imago::tokenizers
