// The stages of the reference's tokenizer classes as tokenizer.json writes them.
#pragma once

#include "imago/tokenizers/legacy/tokenizer_class.h"

namespace imago::tokenizers {

// Normalizers
Json bert_normalizer(const ClassOptions& options);
Json lowercase_bert_normalizer(const ClassOptions& options);
Json funnel_normalizer(const ClassOptions& options);
Json herbert_normalizer(const ClassOptions& options);
Json nfkc_normalizer(const ClassOptions& options);
Json nfc_normalizer(const ClassOptions& options);
Json clip_normalizer(const ClassOptions& options);
Json charsmap_normalizer(const ClassOptions& options);  // null where the model has no character map
Json albert_normalizer(const ClassOptions& options);
Json rembert_normalizer(const ClassOptions& options);
Json xlnet_normalizer(const ClassOptions& options);
Json single_space_normalizer(const ClassOptions& options);
Json single_space_charsmap_normalizer(const ClassOptions& options);  // null where the model has no character map
Json big_bird_normalizer(const ClassOptions& options);
Json layout_xlm_normalizer(const ClassOptions& options);
Json barthez_normalizer(const ClassOptions& options);
Json seamless_normalizer(const ClassOptions& options);
Json deberta_v2_normalizer(const ClassOptions& options);
Json gemma_normalizer(const ClassOptions& options);
Json siglip2_normalizer(const ClassOptions& options);
Json tipsv2_normalizer(const ClassOptions& options);
Json pegasus_normalizer(const ClassOptions& options);
Json quotes_normalizer(const ClassOptions& options);

// Pre-tokenizers
Json bert_pre_tokenizer(const ClassOptions& options);
Json byte_level_pre_tokenizer(const ClassOptions& options);
Json spaced_byte_level_pre_tokenizer(const ClassOptions& options);  // with a space in front unless told otherwise
Json whole_byte_level_pre_tokenizer(const ClassOptions& options);   // without a split into words
Json cohere_pre_tokenizer(const ClassOptions& options);
Json nougat_pre_tokenizer(const ClassOptions& options);
Json qwen2_pre_tokenizer(const ClassOptions& options);
Json qwen3_5_pre_tokenizer(const ClassOptions& options);
Json clip_pre_tokenizer(const ClassOptions& options);
Json llama_pre_tokenizer(const ClassOptions& options);
Json code_llama_pre_tokenizer(const ClassOptions& options);
Json gemma_pre_tokenizer(const ClassOptions& options);
Json words_pre_tokenizer(const ClassOptions& options);  // white space, then Metaspace
Json always_words_pre_tokenizer(const ClassOptions& options);
Json metaspace_pre_tokenizer(const ClassOptions& options);
Json always_metaspace_pre_tokenizer(const ClassOptions& options);
Json first_metaspace_pre_tokenizer(const ClassOptions& options);
Json deberta_v2_pre_tokenizer(const ClassOptions& options);
// A split pattern, then bytes.
Json split_pre_tokenizer(std::string_view pattern, bool add_prefix_space);

// Decoders
Json word_piece_decoder(const ClassOptions& options);
Json funnel_decoder(const ClassOptions& options);
Json byte_level_decoder(const ClassOptions& options);
Json valid_byte_level_decoder(const ClassOptions& options);  // without what is not UTF-8
Json bpe_decoder(const ClassOptions& options);
Json metaspace_decoder(const ClassOptions& options);
Json always_metaspace_decoder(const ClassOptions& options);
Json first_metaspace_decoder(const ClassOptions& options);
Json code_llama_decoder(const ClassOptions& options);
Json llama_decoder(const ClassOptions& options);
Json gemma_decoder(const ClassOptions& options);
Json tipsv2_decoder(const ClassOptions& options);

// Post-processors
// Words with spaces between: $A and $B for the sequences, a role ("cls", "sep", "bos", "eos", "unk", "language") or a
// token for what is added, with ":1" behind those of another type than 0.
Json template_processor(const ProcessorInput& input, std::string_view single, std::string_view pair);
Json bos_eos_processor(const ProcessorInput& input);  // what add_bos_token and add_eos_token ask for
Json code_llama_processor(const ProcessorInput& input);
Json code_gen_processor(const ProcessorInput& input);
Json splinter_processor(const ProcessorInput& input);
Json luke_processor(const ProcessorInput& input);
Json xglm_processor(const ProcessorInput& input);
Json nllb_processor(const ProcessorInput& input);
Json herbert_processor(const ProcessorInput& input);
Json spaced_roberta_processor(const ProcessorInput& input);
Json roberta_processor(const ProcessorInput& input);
Json clip_processor(const ProcessorInput& input);
Json mpnet_processor(const ProcessorInput& input);
Json whisper_processor(const ProcessorInput& input);

}  // namespace imago::tokenizers
