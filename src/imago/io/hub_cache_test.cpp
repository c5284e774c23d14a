#include "imago/io/hub_cache.h"

#include <map>
#include <optional>

#include "imago/io/test_files.h"

namespace imago {
namespace {

const std::string kCommit(40, 'a');
const std::string kOther(40, 'b');

// Sets the variables that say where the cache is, and puts them back.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    for (const char* name :
         {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "IMAGO_TEST"}) {
      const char* old = std::getenv(name);
      old_[name] = old != nullptr ? std::optional<std::string>(old) : std::nullopt;
      const auto value = values.find(name);
      set(name, value != values.end() ? std::optional(value->second) : std::nullopt);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : old_) set(name, value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  std::map<std::string, std::optional<std::string>> old_;
};

std::string folder_with(const std::map<std::string, std::string>& values) {
  const Environment environment(values);
  return hub_cache_folder();
}

TEST(HubCache, IsWhereThePythonClientHasIt) {
  EXPECT_EQ(folder_with({{"HOME", "/home/me"}}), "/home/me/.cache/huggingface/hub");
  EXPECT_EQ(folder_with({{"HOME", "/home/me"}, {"XDG_CACHE_HOME", "/xdg"}}), "/xdg/huggingface/hub");
  EXPECT_EQ(folder_with({{"HF_HOME", "/hf"}, {"XDG_CACHE_HOME", "/xdg"}}), "/hf/hub");
  EXPECT_EQ(folder_with({{"HOME", "/home/me"}, {"HF_HOME", "~/hf"}}), "/home/me/hf/hub");
  EXPECT_EQ(folder_with({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}), "/old");
  EXPECT_EQ(folder_with({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}), "/new");
  EXPECT_EQ(folder_with({{"HF_HUB_CACHE", "$IMAGO_TEST/${IMAGO_TEST}/$UNSET_/$/${IMAGO_TEST"}, {"IMAGO_TEST", "x"}}),
            "x/x/$UNSET_/$/${IMAGO_TEST");
}

TEST(HubCache, KnowsAnIdFromAPath) {
  for (const char* id : {"gpt2", "org/name", "a/b.c-d_e", "google-bert/bert-base-uncased", "0/1"}) {
    EXPECT_TRUE(is_hub_id(id)) << id;
  }
  for (const std::string& text :
       {std::string(),         std::string("/"),       std::string("a/"),    std::string("/a"),
        std::string("a/b/c"),  std::string(".."),      std::string("../a"),  std::string("a/.."),
        std::string("a..b"),   std::string("a--b"),    std::string("-a"),    std::string("a-"),
        std::string(".a"),     std::string("a."),      std::string("a b"),   std::string("a.git"),
        std::string("\u00e9"), std::string("a\0b", 3), std::string(97, 'a'), "a/" + std::string(97, 'a')}) {
    EXPECT_FALSE(is_hub_id(text)) << text;
  }
}

class HubCacheFolder : public testing::Test {
 protected:
  HubCacheFolder() {
    cache.write("models--org--name/refs/main", kCommit);
    cache.write("models--org--name/refs/refs/pr/1", kOther + "\n");
    cache.write("models--org--name/refs/gone", std::string(40, 'c'));
    cache.write("models--org--name/refs/evil", "../../../etc");
    cache.write("models--org--name/snapshots/" + kCommit + "/config.json", "{}");
    cache.write("models--org--name/snapshots/" + kOther + "/config.json", "{}");
    cache.write("models--gpt2/refs/main", kCommit);
    cache.write("models--gpt2/snapshots/" + kCommit + "/config.json", "{}");
  }
  std::string find(const std::string& id, const std::string& revision = "main") {
    return find_model_folder(id, revision, cache.path());
  }
  const TemporaryFolder cache;
};

TEST_F(HubCacheFolder, FindsBranchesPullRequestsAndCommits) {
  const std::string snapshots = cache / "models--org--name/snapshots/";
  EXPECT_EQ(find("org/name"), snapshots + kCommit);
  EXPECT_EQ(find("org/name", "refs/pr/1"), snapshots + kOther);
  EXPECT_EQ(find("org/name", kOther), snapshots + kOther);
  EXPECT_EQ(find("gpt2"), cache / ("models--gpt2/snapshots/" + kCommit));
}

TEST_F(HubCacheFolder, PrefersAFolder) { EXPECT_EQ(find(cache.path()), cache.path()); }

TEST_F(HubCacheFolder, SaysWhereItLookedAndHowToGetIt) {
  expect_error(ErrorKind::kNotFound, cache / "models--org--absent", [&] { find("org/absent"); });
  expect_error(ErrorKind::kNotFound, "hf download org/absent --revision v1", [&] { find("org/absent", "v1"); });
  expect_error(ErrorKind::kNotFound, "/models--org--name/refs/v1", [&] { find("org/name", "v1"); });
  expect_error(ErrorKind::kNotFound, kCommit + ", " + kOther, [&] { find("org/name", "v1"); });
  expect_error(ErrorKind::kNotFound, "snapshots/ccc", [&] { find("org/name", "gone"); });
  expect_error(ErrorKind::kNotFound, "neither a folder nor the id", [&] { find("./absent"); });
  expect_error(ErrorKind::kNotFound, "neither a folder nor the id", [&] { find("../org/name"); });
}

TEST_F(HubCacheFolder, RefusesRevisionsThatLeadElsewhere) {
  for (const char* revision : {"", "..", "../x", "a/../b", "/main", "a//b", "main/", "a b", "a\nb"}) {
    expect_error(ErrorKind::kInvalidArgument, "is not a revision", [&] { find("org/name", revision); });
  }
  expect_error(ErrorKind::kInvalidFile, "not a commit", [&] { find("org/name", "evil"); });
}

}  // namespace
}  // namespace imago
