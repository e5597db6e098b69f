// SPDX-License-Identifier: Apache-2.0
//
// A run with engine "auto" goes on with the engines that it was begun with. Seeded faults that turn these red: a
// checkpoint without them; a reader that drops or reorders them; a resumed run that measures, or that believes the
// cache; an engine that is missing and replaced.
#include <gtest/gtest.h>

#include "core/io/safetensors.h"
#include "core/train/training_model.h"
#include "core/tuning/choose_engines.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"
#include "tests/tuning/two_engines.h"

namespace fovea::test {
namespace {

class ResumeEngines : public testing::Test {
 protected:
  // A device on which everything is the other way round: what was slow is fast.
  static void turn_around(TwoEngines& backend) { std::swap(backend.native_costs, backend.other_costs); }

  EnginePicks choose(Backend& backend, EngineTimes& times) const {
    return choose_engines(model_.graph, backend, {pass_options(model_, Precision::fp32, options_.batch, true)}, times)
        .picks();
  }
  // As far as `steps`, from `from` on where there is one.
  Checkpoint train(Backend& backend, std::int64_t steps, const Checkpoint* from = nullptr) const {
    TrainOptions options = options_;
    options.max_steps = steps;
    Trainer trainer(model_, backend, data_, "pairs", options);
    if (from != nullptr) trainer.resume(*from, path_);
    while (trainer.step()) continue;
    return trainer.checkpoint();
  }
  Bytes bytes(const Checkpoint& checkpoint, const std::string& name) const {
    write_checkpoint(directory_ / name, checkpoint);
    return read_bytes(directory_ / name);
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_ / "last.safetensors", times_path_ = directory_ / "engines.json";
  const Pairs data_{50};
  const Model model_ = plain_net();
  const TrainOptions options_{.epochs = 2, .batch = 16, .seed = 3};
};

TEST_F(ResumeEngines, TheBitsRepeatWhateverTheCacheSays) {
  TwoEngines begun;
  EngineTimes none;
  const EnginePicks picks = choose(begun, none);
  const Bytes whole = bytes(train(begun, -1), "whole");
  write_checkpoint(path_, train(begun, 3));
  const Checkpoint saved = read_checkpoint(path_);
  EXPECT_EQ(saved.engines, picks);

  // A cache that says otherwise, and a device that would measure otherwise.
  TwoEngines now;
  turn_around(now);
  EngineTimes file(times_path_);
  const EnginePicks others = choose(now, file);
  file.save();
  ASSERT_NE(others, picks);
  TwoEngines resumed;
  turn_around(resumed);
  EXPECT_TRUE(use_engines_of(saved, path_, resumed));
  EXPECT_EQ(resumed.picked_engines(), picks);
  EXPECT_EQ(bytes(train(resumed, -1, &saved), "resumed"), whole);
  EXPECT_EQ(resumed.clock.reads, 0) << "nothing is measured";

  // The test can fail: with the others the run ends in other weights.
  Checkpoint forged = saved;
  forged.engines = others;
  TwoEngines elsewhere;
  EXPECT_TRUE(use_engines_of(forged, path_, elsewhere));
  EXPECT_NE(values_of(train(elsewhere, -1, &forged).weights), values_of(read_checkpoint(directory_ / "whole").weights));
}

TEST_F(ResumeEngines, OtherEnginesAreRefused) {
  TwoEngines begun;
  EngineTimes none;
  choose(begun, none);
  const Checkpoint saved = train(begun, 1);
  TwoEngines unprepared;
  EXPECT_TRUE(holds(input_error([&] { train(unprepared, 2, &saved); }), {path_, "cannot resume", "two:auto"}));
  // On another device the bits are other ones anyway.
  TwoEngines elsewhere;
  elsewhere.device = "three";
  EXPECT_NO_THROW(train(elsewhere, 2, &saved));
}

TEST_F(ResumeEngines, AMissingEngineIsSaid) {
  TwoEngines begun;
  EngineTimes none;
  choose(begun, none);
  const Checkpoint saved = train(begun, 1);
  TwoEngines poorer;
  poorer.engines = {"native"};
  EXPECT_EQ(input_error([&] { use_engines_of(saved, path_, poorer); }),
            path_ +
                ": layer 'conv' was computed forward by engine 'other', which device two:auto does not have here: "
                "expected native");
  EXPECT_TRUE(poorer.picked_engines().empty());
}

TEST_F(ResumeEngines, OnlyWhatWasMadeWithAutoHasThem) {
  TwoEngines plain;
  plain.engines = {};
  const Checkpoint saved = train(plain, 1);
  EXPECT_TRUE(saved.engines.empty());
  write_checkpoint(path_, saved);
  EXPECT_EQ(read_checked_safetensors(path_).metadata.count("engines"), 0u);
  TwoEngines backend;
  backend.device = "three";
  EXPECT_FALSE(use_engines_of(read_checkpoint(path_), path_, backend)) << "made elsewhere: to be measured";
  TwoEngines begun;
  EngineTimes none;
  choose(begun, none);
  EXPECT_FALSE(use_engines_of(train(begun, 1), path_, plain)) << "a device that chooses nothing";
  EXPECT_TRUE(plain.picked_engines().empty());
}

TEST_F(ResumeEngines, AFieldThatIsNoListOfThemIsAnError) {
  TwoEngines begun;
  EngineTimes none;
  choose(begun, none);
  write_checkpoint(path_, train(begun, 1));
  SafetensorsFile file = read_checked_safetensors(path_);
  for (const char* text :
       {"", "{}", "[1]", R"([["conv", "forward"]])", R"([["conv", "up", "native"]])", R"([["conv", "forward", 3]])"}) {
    file.metadata["engines"] = text;
    write_safetensors(path_, file, true);
    EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }),
                      {path_, "checkpoint field 'engines'", "expected a JSON list"}))
        << text;
  }
}

}  // namespace
}  // namespace fovea::test
