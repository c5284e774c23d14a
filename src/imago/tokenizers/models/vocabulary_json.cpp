#include "imago/tokenizers/models/vocabulary_json.h"

#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

void write_vocab(const Vocabulary& vocabulary, JsonWriter& writer) {
  writer.key("vocab");
  writer.begin_object();
  for (int32_t id = 0; id < vocabulary.id_limit(); ++id) {
    if (!vocabulary.contains_id(id)) continue;
    writer.key(vocabulary.token(id));
    writer.integer(id);
  }
  writer.end_object();
}

}  // namespace imago::tokenizers
