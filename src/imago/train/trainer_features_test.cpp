// What the trainer can beside plain training: adapters, dropout, checkpointing, half precision, best models.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "imago/auto/auto_image_text_to_text.h"
#include "imago/auto/auto_model.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"
#include "imago/nn/losses.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/peft/lora.h"
#include "imago/train/preference_loss.h"
#include "imago/train/trainer.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kModel = IMAGO_SOURCE_DIR "/src/imago/models/llama/golden/causal_lm";
const std::string kGPT2 = IMAGO_SOURCE_DIR "/src/imago/models/gpt2/golden/causal_lm";

class TrainerFeatures : public testing::Test {
 protected:
  TrainerFeatures() : folder_(fs::temp_directory_path() / ("imago_features_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    set_progress_enabled(false);
    std::vector<TensorMap> rows;
    for (int64_t index = 0; index < 12; ++index) {
      std::vector<int64_t> ids;
      for (int64_t position = 0; position < 5 + index % 4; ++position)
        ids.push_back((index * 5 + position * 7) % 63 + 1);
      rows.push_back({{"input_ids", Tensor::from(ids)}, {"labels", Tensor::from(ids)}});
    }
    dataset_ = std::make_unique<MemoryDataset>(std::move(rows));
  }
  ~TrainerFeatures() override { fs::remove_all(folder_); }

  TrainingArguments arguments() const {
    TrainingArguments a;
    a.output_dir = folder_;
    a.per_device_train_batch_size = 3;
    a.max_steps = 6;
    a.learning_rate = 1e-2;
    a.logging_steps = 1;
    a.save_strategy = "no";
    return a;
  }

  struct Outcome {
    std::vector<double> losses;
    std::vector<std::vector<float>> weights;
    TrainerState state;
  };

  Outcome run(const TrainingArguments& a, bool lora = false, const std::string& resume = {},
              const std::string& model_folder = kModel, TrainerOptions options = {}) {
    const auto model = AutoModelForCausalLM::from_pretrained(model_folder);
    peft::Adapters adapters(*model);
    TrainedAdapter adapter(adapters);
    if (lora) {
      peft::LoraConfig config;
      config.r = 2;
      config.lora_dropout = 0.2;
      config.target_modules = peft::ModuleSelection({"q_proj", "up_proj"});
      adapters.add(config, 1);
      options.weights = &adapter;
    }
    options.train_dataset = dataset_.get();
    options.eval_dataset = dataset_.get();
    options.data_collator = data_collator_with_padding({});
    Trainer trainer(*model, a, options);
    trainer.train(resume);
    Outcome outcome{{}, {}, trainer.state()};
    for (const LogEntry& entry : trainer.state().log_history) {
      if (entry.contains("loss")) outcome.losses.push_back(entry.at("loss"));
    }
    const auto keep = [&](Tensor& tensor) { outcome.weights.push_back(tensor.detach().to_vector<float>()); };
    if (lora) {
      for (const auto& each : adapters.tensors()) keep(*each.tensor);
    } else {
      for_each_parameter(*model, [&](const std::string&, Tensor& tensor) { keep(tensor); });
    }
    return outcome;
  }

  fs::path folder_;
  std::unique_ptr<MemoryDataset> dataset_;
};

TEST_F(TrainerFeatures, CheckpointingChangesNoBit) {
  TrainingArguments a = arguments();
  const Outcome plain = run(a);
  a.gradient_checkpointing = true;
  const Outcome checkpointed = run(a);
  EXPECT_EQ(checkpointed.losses, plain.losses);
  EXPECT_EQ(checkpointed.weights, plain.weights);
  const std::vector<double> adapted = run(a, true).losses;
  a.activation_offloading = true;
  EXPECT_EQ(run(a, true).losses, adapted);
  a.activation_offloading = a.gradient_checkpointing = false;
  EXPECT_EQ(run(a, true).losses, adapted);
}

TEST_F(TrainerFeatures, ALossInChunksIsTheSameLoss) {
  const Outcome plain = run(arguments());
  TrainerOptions options;
  options.loss_chunk = 4;
  const Outcome chunked = run(arguments(), false, {}, kModel, options);
  ASSERT_EQ(chunked.losses.size(), plain.losses.size());
  for (size_t i = 0; i < plain.losses.size(); ++i)
    EXPECT_NEAR(chunked.losses[i], plain.losses[i], 1e-5 * plain.losses[i]);
}

TEST_F(TrainerFeatures, AnAdapterResumesToTheBitWithItsDropoutAndNoise) {
  TrainingArguments a = arguments();
  a.save_strategy = "steps";
  a.save_steps = 2;
  a.neftune_noise_alpha = 5;
  const Outcome whole = run(a, true);
  for (const char* step : {"2", "4"}) {
    const Outcome resumed = run(a, true, folder_.string() + "/checkpoint-" + step);
    EXPECT_EQ(resumed.losses, whole.losses) << step;
    EXPECT_EQ(resumed.weights, whole.weights) << step;
  }
  EXPECT_TRUE(fs::exists(folder_ / "checkpoint-6/adapter_model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "checkpoint-6/model.safetensors"));
}

TEST_F(TrainerFeatures, ModelsThatDropResumeToTheBit) {
  const auto dropping = folder_ / "dropping";
  fs::create_directories(dropping);
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy_file(kGPT2 + "/" + name, dropping / name);
  Json config = read_json(dropping / "config.json");
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) config[key] = 0.2;
  write_file_atomically(dropping / "config.json", dump_json(config));
  TrainingArguments a = arguments();
  a.save_strategy = "steps";
  a.save_steps = 3;
  const Outcome whole = run(a, false, {}, dropping);
  EXPECT_NE(whole.losses, run(arguments(), false, {}, kGPT2).losses);
  const Outcome resumed = run(a, false, folder_.string() + "/checkpoint-3", dropping);
  EXPECT_EQ(resumed.weights, whole.weights);
  a.gradient_checkpointing = true;
  EXPECT_EQ(run(a, false, {}, dropping).weights, whole.weights);
}

// What config.json does not say is what the reference takes: a layer of M2M-100 is left out with probability 0.05.
TEST_F(TrainerFeatures, DropoutByDefaultIsRefusedWhereItIsNotComputed) {
  const auto silent = folder_ / "silent";
  fs::create_directories(silent);
  const std::string m2m = IMAGO_SOURCE_DIR "/src/imago/models/m2m_100/golden/seq2seq_lm";
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy_file(m2m + "/" + name, silent / name);
  Json config = read_json(silent / "config.json");
  Json without = Json::object();
  for (const auto& [key, value] : config.items()) {
    if (key != "encoder_layerdrop") without[key] = value;
  }
  write_file_atomically(silent / "config.json", dump_json(without));
  const auto model = AutoModelForSeq2SeqLM::from_pretrained(silent.string());
  try {
    Trainer(*model, arguments(), {});
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("config.json has no encoder_layerdrop, which is 0.05 then"));
  }
  without["encoder_layerdrop"] = 0.0;
  write_file_atomically(silent / "config.json", dump_json(without));
  EXPECT_NO_THROW(Trainer(*AutoModelForSeq2SeqLM::from_pretrained(silent.string()), arguments(), {}));
}

TEST_F(TrainerFeatures, DropoutOfAPartIsRefused) {
  const auto dropping = folder_ / "parts";
  fs::create_directories(dropping);
  const std::string llava = IMAGO_SOURCE_DIR "/src/imago/models/llava/golden/image_text_to_text";
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy_file(llava + "/" + name, dropping / name);
  Json config = read_json(dropping / "config.json");
  config["vision_config"]["attention_dropout"] = 0.1;
  write_file_atomically(dropping / "config.json", dump_json(config));
  const auto model = AutoModelForImageTextToText::from_pretrained(dropping.string());
  try {
    Trainer(*model, arguments(), {});
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("config.json has vision_config.attention_dropout 0.1"));
  }
}

// BLIP-2's Q-Former and the OPT inside drop by default, which is computed; OPT leaves out no layers.
TEST_F(TrainerFeatures, DropoutOfPartsIsRefusedWhereItIsNotComputed) {
  const auto trains = [&](const std::string& name, const std::function<void(Json&)>& change) {
    const auto folder = folder_ / ("blip_2_" + name);
    fs::create_directories(folder);
    const std::string golden = IMAGO_SOURCE_DIR "/src/imago/models/blip_2/golden/opt_gradients";
    fs::copy_file(golden + "/model.safetensors", folder / "model.safetensors");
    Json config = read_json(golden + "/config.json");
    change(config);
    write_file_atomically(folder / "config.json", dump_json(config));
    const auto model = AutoModelForImageTextToText::from_pretrained(folder.string());
    Trainer(*model, arguments(), {});
  };
  trains("drops", [](Json& config) {
    config["qformer_config"].erase("hidden_dropout_prob");
    config["qformer_config"]["attention_probs_dropout_prob"] = 0.3;
    config["text_config"].erase("dropout");
  });
  try {
    trains("leaves_out", [](Json& config) { config["text_config"]["layerdrop"] = 0.1; });
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("config.json has text_config.layerdrop 0.1"));
  }
}

TEST_F(TrainerFeatures, HalfPrecisionTrainsFloat32Parameters) {
  const Outcome plain = run(arguments());
  for (const bool bf16 : {true, false}) {
    TrainingArguments a = arguments();
    (bf16 ? a.bf16 : a.fp16) = true;
    const Outcome half = run(a);
    ASSERT_EQ(half.losses.size(), plain.losses.size());
    for (size_t i = 0; i < plain.losses.size(); ++i)
      EXPECT_NEAR(half.losses[i], plain.losses[i], 0.03 * plain.losses[i]);
    EXPECT_LT(half.losses.back(), half.losses.front());
  }
}

TEST(LossScale, HalvesWhereGradientsOverflowAndGrowsAgain) {
  LossScale scale;
  scale.update(false);
  EXPECT_EQ(scale.scale, 32768);
  for (int i = 0; i < 1999; ++i) scale.update(true);
  EXPECT_EQ(scale.scale, 32768);
  scale.update(true);
  EXPECT_EQ(scale.scale, 65536);
}

TEST_F(TrainerFeatures, TheBestCheckpointIsKeptAndLoaded) {
  TrainingArguments a = arguments();
  a.learning_rate = 3;  // the first checkpoint is the best, and the rest gets worse
  a.max_grad_norm = 0;
  a.eval_strategy = a.save_strategy = "steps";
  a.eval_steps = 1;
  a.save_steps = 1;
  a.save_total_limit = 1;
  a.load_best_model_at_end = true;
  const Outcome outcome = run(a);
  ASSERT_TRUE(outcome.state.best_metric.has_value());
  double least = HUGE_VAL;
  int64_t step = 0;
  for (const LogEntry& entry : outcome.state.log_history) {
    const auto found = entry.find("eval_loss");
    if (found == entry.end() || found->second >= least) continue;
    least = found->second;
    step = static_cast<int64_t>(entry.at("step"));
  }
  EXPECT_EQ(*outcome.state.best_metric, least);
  EXPECT_EQ(outcome.state.best_global_step, step);
  const auto best = AutoModelForCausalLM::from_pretrained(folder_.string() + "/checkpoint-" + std::to_string(step));
  size_t index = 0;
  for_each_parameter(*best, [&](const std::string& name, Tensor& tensor) {
    EXPECT_EQ(tensor.to_vector<float>(), outcome.weights[index++]) << name;
  });
}

TEST_F(TrainerFeatures, CheckpointsOfTheBestEvaluationsAlone) {
  TrainingArguments a = arguments();
  a.learning_rate = 3;
  a.max_grad_norm = 0;
  a.eval_strategy = "steps";
  a.eval_steps = 1;
  a.save_strategy = "best";
  a.metric_for_best_model = "loss";
  const Outcome outcome = run(a);
  double least = HUGE_VAL;
  for (const LogEntry& entry : outcome.state.log_history) {
    const auto found = entry.find("eval_loss");
    if (found == entry.end()) continue;
    const auto step = static_cast<int64_t>(entry.at("step"));
    const bool saved = fs::exists(folder_.string() + "/checkpoint-" + std::to_string(step));
    EXPECT_EQ(saved, found->second < least) << step;
    least = std::min(least, found->second);
  }
  EXPECT_LT(least, HUGE_VAL);
}

TEST_F(TrainerFeatures, FrozenParametersStay) {
  const auto model = AutoModelForCausalLM::from_pretrained(kModel);
  WholeModel weights(*model, {"model.embed_tokens.*", "model.layers.0.*"});
  for (const NamedParameter& parameter : weights.parameters()) {
    EXPECT_FALSE(parameter.name.starts_with("model.layers.0.")) << parameter.name;
    EXPECT_FALSE(parameter.name.starts_with("model.embed_tokens.")) << parameter.name;
  }
  EXPECT_THROW(WholeModel(*model, {"no_such.*"}), Error);
}

// torch: -logsigmoid(0.5 ((c - r) - (c0 - r0))).mean() of sums of log probabilities; with the reference model being the
// model itself it is log 2.
TEST_F(TrainerFeatures, PreferencesBeginAtLogTwo) {
  const auto model = AutoModelForCausalLM::from_pretrained(kModel);
  const auto ids = [](std::vector<int64_t> values) { return Tensor::from(values); };
  const std::vector<TensorMap> pairs = {{{"chosen_ids", ids({5, 6, 7, 8})},
                                         {"chosen_labels", ids({-100, -100, 7, 8})},
                                         {"rejected_ids", ids({5, 6, 9})},
                                         {"rejected_labels", ids({-100, -100, 9})}}};
  const TensorMap batch = collate_preferences(pairs, 0);
  EXPECT_EQ(batch.at("input_ids").shape(), (Shape{2, 4}));
  const PreferenceLoss same(0.5, [&](const auto& compute) { return compute(*model); });
  EXPECT_NEAR(same.loss(*model, batch, {}).item<double>(), std::log(2.0), 1e-6);
  EXPECT_EQ(same.items(*model, batch), 1);
}

// The slope of -log sigmoid(x) at 0 is -1/2: training begins there, and would stand still where it were taken for 0.
TEST_F(TrainerFeatures, PreferencesPullAtAModelThatIsItsOwnReference) {
  const auto model = AutoModelForCausalLM::from_pretrained(kModel);
  for_each_parameter(*model, [](const std::string&, Tensor& parameter) { parameter.set_requires_grad(true); });
  const auto ids = [](std::vector<int64_t> values) { return Tensor::from(values); };
  const TensorMap batch = {{"input_ids", reshape(ids({5, 6, 7, 5, 6, 9}), {2, 3})},
                           {"attention_mask", Tensor::ones({2, 3}, DType::i64)},
                           {"labels", reshape(ids({-100, -100, 7, -100, -100, 9}), {2, 3})}};
  const PreferenceLoss same(0.5, [&](const auto& compute) { return compute(*model); });
  backward(same.loss(*model, batch, {}));
  // Of the same answers by hand: the gradient of -beta / 2 (log p(7) - log p(9)).
  std::map<std::string, std::vector<float>> got;
  for_each_parameter(*model, [&](const std::string& path, Tensor& parameter) {
    if (parameter.grad().defined()) got[path] = parameter.grad().to_vector<float>();
    parameter.set_grad({});
  });
  const auto log_p = [&](int64_t row, int64_t answer) {
    TextInputs inputs;
    inputs.input_ids = narrow(batch.at("input_ids"), 0, row, 1);
    const Tensor logits = dynamic_cast<const CausalLM&>(*model).forward(inputs).logits;
    return select(log_softmax(reshape(narrow(logits, 1, 1, 1), {-1}), 0), 0, answer);
  };
  backward((log_p(0, 7) - log_p(1, 9)) * -0.25);
  ASSERT_FALSE(got.empty());
  for_each_parameter(*model, [&](const std::string& path, Tensor& parameter) {
    if (!parameter.grad().defined()) return;
    const std::vector<float> expected = parameter.grad().to_vector<float>();
    ASSERT_EQ(got[path].size(), expected.size()) << path;
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[path][i], expected[i], 1e-5) << path;
  });
}

}  // namespace
}  // namespace imago
