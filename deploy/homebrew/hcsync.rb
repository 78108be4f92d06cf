# The formula of a release: scripts/package puts URL and checksum of its source in.
class Hcsync < Formula
  desc "Bring customer data into HelpCrunch in bulk: plan, preview, apply, resume"
  homepage "@REPOSITORY@"
  url "@REPOSITORY@/releases/download/v@VERSION@/hcsync-@VERSION@-source.tar.gz"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    system bin/"hcsync", "man", "--out-dir", man1
    generate_completions_from_executable(bin/"hcsync", "completions")
  end

  test do
    assert_match "+140 created", shell_output("#{bin}/hcsync demo --state-dir #{testpath}/state")
  end
end
