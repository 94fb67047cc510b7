// The control requests about revocations: making one of the local member's key, publishing one of any.
#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/wire/revocation.h"

namespace p2pmesh {

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::RevocationRequest&) {
  server_->reply(session.id, id, control::RevocationReply{format_revocation(runner_->make_revocation())});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::RevokeRequest& request) {
  const auto refuse = [&](ExitStatus status, const std::string& message) {
    server_->refuse(session.id, id, control::application_error(Error{status, message}));
  };
  const auto revocation = parse_revocation(request.statement);
  const bool is_true = revocation && ed25519_verifier().verify(revocation->key.view(),
                                                               revocation_signing_bytes(revocation->key),
                                                               revocation->signature);
  if (!is_true) {
    return refuse(ExitStatus::kDamagedInput,
                  revocation
                      ? "The revocation is not signed by the key that it names: it is damaged, or forged."
                      : "That is no revocation: one line is expected, as p2pmeshctl revocation prints it.");
  }
  if (const auto error = check_can_say_now()) return refuse(error->status, error->message);
  const std::string name = runner_->node().shown_name(revocation->key);
  runner_->handle(PublishRevocation{*revocation});
  if (!runner_->node().is_revoked(revocation->key)) {
    return refuse(ExitStatus::kTryAgain, std::to_string(limits::kRevocationsMax) +
                                             " keys of this mesh were revoked, and more cannot be.");
  }
  reply_when_kept(session, id, control::MemberReply{revocation->key, name});
}

}  // namespace p2pmesh
