// SPDX-License-Identifier: Apache-2.0
//
// The [loss] table: read, written, and every fault with its exact message.
#include <gtest/gtest.h>

#include <string>

#include "core/graph/net_file.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/mean_squared_error.h"
#include "core/support/error.h"
#include "tests/net/faults.h"

namespace fovea::test {
namespace {

const std::string net = "input = [4]\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_features = 3\n";  // 5 lines

Graph graph_of(const std::string& loss) { return parse_net(net + loss, "net.toml"); }

std::string loss_faults(const std::string& loss) { return faults_of(net + loss); }

const LayerTypes losses = LayerTypes::losses();

std::string known_losses() {
  std::string names;
  for (const auto& entry : losses.all()) names += (names.empty() ? "" : ", ") + entry.first;
  return names;
}

TEST(NetLoss, TheDefaultIsNotWritten) {
  const Graph g = graph_of("");
  EXPECT_EQ(g.loss(), nullptr);
  EXPECT_EQ(write_net(g).find("loss"), std::string::npos);
}

TEST(NetLoss, OptionsAreReadAndWritten) {
  const Graph g = graph_of("[loss]\ntype = \"hinge_loss\"\nmargin = 0.5\nsquared = true\n");
  const HingeLossOptions& o = dynamic_cast<const HingeLoss&>(*g.loss()).options();
  EXPECT_EQ(o.margin, 0.5);
  EXPECT_TRUE(o.squared);
  const std::string text = write_net(g);
  EXPECT_EQ(text.substr(text.find("\n[loss]")),
            "\n[loss]\ntype = \"hinge_loss\"\nmargin = 0.5\nsquared = true\naverage_classes = false\n");
  EXPECT_EQ(write_net(parse_net(text, "written.toml")), text);
}

TEST(NetLoss, TargetsHaveOnAndOff) {
  const Graph g = graph_of("[loss]\ntype = \"mean_squared_error\"\noff = -1\n");
  EXPECT_NE(dynamic_cast<const MeanSquaredError*>(g.loss().get()), nullptr);
  EXPECT_EQ(g.loss_targets().on, 1);
  EXPECT_EQ(g.loss_targets().off, -1);
  const std::string text = write_net(g);
  EXPECT_EQ(text.substr(text.find("\n[loss]")), "\n[loss]\ntype = \"mean_squared_error\"\non = 1.0\noff = -1.0\n");
  EXPECT_EQ(write_net(parse_net(text, "written.toml")), text);
}

TEST(NetLoss, EveryLossRoundTrips) {
  for (const auto& entry : losses.all()) {
    const std::string text = write_net(graph_of("[loss]\ntype = \"" + entry.first + "\"\n"));
    const Graph again = parse_net(text, "written.toml");
    EXPECT_EQ(write_net(again), text);
    EXPECT_EQ(again.loss()->type(), entry.first);
    EXPECT_EQ(write_net(make_classifier(again).graph), text);  // the nodes of training are not written
  }
  const std::string weighted =
      "[loss]\ntype = \"softmax_cross_entropy\"\nlabel_smoothing = 0.1\nclass_weights = [1.0, 0.5, 0.0]\n";
  const std::string text = write_net(graph_of(weighted));
  EXPECT_EQ(text.substr(text.find("[loss]")), weighted);
}

TEST(NetLoss, MayStandAboveTheLayers) {
  const Graph g = parse_net(
      "input = [4]\n[loss]\ntype = \"hinge_loss\"\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_features = 3\n",
      "net.toml");
  EXPECT_EQ(g.loss()->type(), "hinge_loss");
}

TEST(NetLoss, Faults) {
  EXPECT_EQ(loss_faults("[loss]\ntype = \"hinge_loss\"\nmargn = 2\n"),
            "net.toml:8:1: loss: unknown key 'margn' (did you mean 'margin'?)");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"hinge\"\n"), "net.toml:7:8: loss: unknown loss type: expected one of " +
                                                           known_losses() +
                                                           ", got 'hinge' (did you mean 'hinge_loss'?)");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"relu\"\n"),
            "net.toml:7:8: loss: unknown loss type: expected one of " + known_losses() + ", got 'relu'");
  EXPECT_EQ(loss_faults("[loss]\nmargin = 1\n"), "net.toml:6:1: loss: missing key 'type': expected a string");
  EXPECT_EQ(loss_faults("[loss]\ntype = 3\n"), "net.toml:7:8: loss: key 'type': expected a string, got 3");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"hinge_loss\"\nmargin = -1\n"),
            "net.toml:8:10: loss: key 'margin': expected a finite number of at least 0, got -1");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"hinge_loss\"\non = 1\n"),
            "net.toml:8:1: loss: unknown key 'on'; expected one of type, margin, squared, average_classes");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"mean_squared_error\"\non = \"1\"\n"),
            "net.toml:8:6: loss: key 'on': expected a finite number, got the string \"1\"");
  EXPECT_EQ(loss_faults("[loss]\ntype = \"mean_squared_error\"\noff = inf\n"),
            "net.toml:8:7: loss: key 'off': expected a finite number, got the real number inf");
  EXPECT_EQ(loss_faults("[[loss]]\ntype = \"hinge_loss\"\n"),
            "net.toml:6:1: key 'loss': expected a [loss] table, got an array of 1");
  EXPECT_EQ(faults_of("loss = \"hinge_loss\"\n" + net),
            "net.toml:1:8: key 'loss': expected a [loss] table, got the string \"hinge_loss\"");
  EXPECT_EQ(loss_faults("[los]\ntype = \"hinge_loss\"\n"), "net.toml:6:2: unknown key 'los' (did you mean 'loss'?)");
}

TEST(NetLoss, ALossThatDoesNotFitTheLogits) {
  EXPECT_EQ(loss_faults("[loss]\ntype = \"softmax_cross_entropy\"\nclass_weights = [1, 2]\n"),
            "net.toml:8:17: loss: class_weights: expected one for each of the 3 classes, got 2");
  EXPECT_EQ(faults_of("input = [2, 4, 4]\n[[layer]]\nname = \"a\"\ntype = \"relu\"\n[loss]\ntype = \"hinge_loss\"\n"),
            "net.toml:5:1: loss: expected scores [N, classes] and labels [N], got [1, 2, 4, 4] and [1, 4, 4]");
}

TEST(NetLoss, FaultsOfLayersAndLossComeTogether) {
  EXPECT_EQ(faults_of("input = [4]\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_feature = 3\n[loss]\ntype = 1\n"),
            "net.toml:5:1: layer 'fc': unknown key 'out_feature' (did you mean 'out_features'?)\n"
            "net.toml:7:8: loss: key 'type': expected a string, got 1");
}

}  // namespace
}  // namespace fovea::test
