// The rewrites in their order, with the reason for each position.
#include "tessera/optimize/rewriter.h"

#include <algorithm>

namespace tessera::optimize {
namespace {

const std::vector<Pass> &pipeline() {
  static const std::vector<Pass> passes = {
      // First: everything after it recognises constants only as Weights.
      {"fold_constants", foldConstants},
      // Identities stand between the ops that the patterns below look for side by side.
      {"remove_noops", removeNoops},
      // Exporters crop height and width one by one; one Slice is one copy on the chip.
      {"merge_slices", mergeSlices},
      // Before the pre-processing is folded: a Pad's zeros lie in the transformed image.
      {"fold_pad", foldPad},
      // Before fuse_relu, which wants the ReLU right behind the convolution.
      {"fold_batch_norm", foldBatchNorm},
      {"fuse_relu", fuseRelu},
      // After fuse_relu: a ReLU between the two is gone.
      {"fold_crop", foldCrop},
      // After BatchNorm and Pad are gone: the convolutions that read the image are final.
      {"fold_preprocess", foldPreprocess},
      // After the folds, which know Conv and Deconv only.
      {"compose_upconv", composeUpconv},
      // Last: what the folds above have left without readers, then ids without gaps.
      {"share_constants", shareConstants},
      {"remove_dead", removeDead},
      {"renumber", renumber},
  };
  return passes;
}

} // namespace

std::vector<std::string> passNames() {
  std::vector<std::string> names;
  for (const Pass &pass : pipeline())
    names.push_back(pass.name);
  return names;
}

Result<OptimizeReport> optimize(ir::Module &module, const OptimizeOptions &options) {
  std::string where = "module '" + module.name() + "'";
  if (module.state() != ir::kTopState)
    return fail("bad-module", where,
                "has state " + module.state() + ", the rewrites work on " + ir::kTopState);
  auto names = passNames();
  for (const std::string &name : options.skip)
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string list;
      for (const std::string &n : names)
        list += (list.empty() ? "" : ", ") + n;
      return fail("bad-option", "optimize", "there is no pass '" + name + "' to skip",
                  "passes are " + list);
    }
  // A pass trusts what the verifier says.
  TESSERA_TRY(module.verify(where));
  OptimizeReport report;
  Rewriter rewriter(module, report);
  rewriter.composition = options.compose;
  for (const Pass &pass : pipeline()) {
    if (std::find(options.skip.begin(), options.skip.end(), pass.name) != options.skip.end())
      continue;
    rewriter.rewrites = 0;
    pass.run(rewriter);
    report.passes.push_back({pass.name, rewriter.rewrites});
    auto verified = module.verify(where);
    TESSERA_CHECK(verified.has_value(), std::string("pass ") + pass.name +
                                            " broke the module: " + verified.error().text());
  }
  return report;
}

} // namespace tessera::optimize
