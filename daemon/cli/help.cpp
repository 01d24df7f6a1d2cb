#include "daemon/cli/help.h"

#include <array>
#include <utility>

namespace starling::daemon {

namespace {

constexpr std::string_view kStarling = R"(starling - look at, and prepare, a Starling mesh

USAGE
  starling [-i INTERFACE | --control PATH] COMMAND [ARGUMENTS]

Starling turns a set of WireGuard tunnels into a network that routes itself. The daemon is starlingd; this is the
command for people. It talks to a running starlingd over the daemon's control socket, makes keys and checks
configurations.

COMMANDS
  show WHAT       what the daemon knows now: neighbors, routes, lsdb, grants, tunnels, egress, ingress, transit, status
  watch           what happens, as it happens
  capture         the packets inside the tunnels, as a file for Wireshark
  drain           move traffic away from this node, before maintenance
  undrain         let it come back
  check FILE      whether a configuration of starlingd is right, and what is wrong with it
  keygen          a new private key
  pubkey          the public key of a private key
  grant ACTION    a network's key, and which nodes it admits with which prefixes
  help [COMMAND]  this page, or a command's own

  lab …           run a topology of real daemons on this machine (starling-lab)
  sim …           the same in virtual time (starling-lab sim)
  WORD …          any other word becomes the program starling-WORD, found beside this one or in PATH

OPTIONS
  -i, --interface INTERFACE   talk to the starlingd of this interface
      --control PATH          talk to the starlingd that listens at this socket
  -h, --help                  show this page; after a command, its own
  -V, --version               show the version

  Without -i or --control the only daemon of this machine is meant; where there are several, the error lists them.

EXAMPLES
  starling show neighbors              who is there, in which state, since when
  starling show routes --json          the same for a program
  starling -i star1 watch              events of the daemon on star1 until Ctrl-C
  starling keygen | tee key | starling pubkey

ENVIRONMENT
  NO_COLOR        if set and not empty, nothing is coloured; otherwise a terminal is

EXIT STATUS
  0   done
  1   the daemon cannot be reached, or refuses; output cannot be written
  2   the command line or an input file is wrong

FILES
  /run/starling/INTERFACE.sock    a daemon's control socket; only root may use it

SEE ALSO
  starlingd --help, starling COMMAND --help, starling lab --help, wg(8)
)";

constexpr std::string_view kShow = R"(starling show - what the daemon knows now

USAGE
  starling [-i INTERFACE | --control PATH] show WHAT [--json]

WHAT (its beginning is enough where it is unique: `starling show n`)
  neighbors   each neighbour that takes part in routing: state (Down, Init, Exchange, Full) and since when, cost,
              round-trip time, after how much silence it counts as lost, endpoint, how often it was lost
  routes      each prefix: through which neighbours, at which metric, from whom. Status: installed; own (announced
              here); static (of a stock WireGuard peer); refused, or failed in the kernel, with the reason; unreachable
  grants      with a network key: who is a member, which prefixes it may announce, until when
  lsdb        each announcement held: who made it, its sequence number, how long it lives, links and prefixes. A link
              counts only when both ends announce it
  tunnels     each WireGuard peer: latest handshake, data carried, handshakes that went unanswered, and what was
              dropped, why, and what to do about it
  egress      which neighbours carry a prefix, read back from the engine's live table
  ingress     which neighbours may send a source, read back from the engine's live filter
  transit     whether what passes from tunnel to tunnel takes the engine's fast path, and if not, why; how many
              prefixes are left to the kernel (punts; --json lists them), and from which address ICMP errors come
  status      the node itself: name, keys, port, uptime, counters; and the digest, equal on all nodes that agree

OPTIONS
      --json                  the daemon's own answer (docs/control.md), on one line unless to a terminal
  -i, --interface INTERFACE   talk to the starlingd of this interface
      --control PATH          talk to the starlingd that listens at this socket
  -h, --help                  show this page

EXAMPLES
  starling show tunnels
  starling show routes --json | jq -r '.[] | select(.status == "refused") | .prefix'
  watch -c starling show neighbors

EXIT STATUS
  0   shown
  1   the daemon cannot be reached, or refuses
  2   the command line is wrong

FILES
  /run/starling/INTERFACE.sock    a daemon's control socket; only root may use it
)";

constexpr std::string_view kWatch = R"(starling watch - what happens, as it happens

USAGE
  starling [-i INTERFACE | --control PATH] watch [--json] [--replay]

Prints each event of the daemon on a line: its time (UTC), its name, what happened, and after `<-` what caused it where
that is something else: another node's announcement (origin/fragment #sequence), a neighbour, or a timer. Ends with
Ctrl-C, or when the daemon ends. A reader that is too slow loses events, and is told by an event watch.lost.

OPTIONS
      --json                  JSON Lines, one object for each event (docs/control.md)
      --replay                begin with the events that the daemon remembers, the newest 4096
  -i, --interface INTERFACE   talk to the starlingd of this interface
      --control PATH          talk to the starlingd that listens at this socket
  -h, --help                  show this page

EXAMPLES
  starling watch
  starling watch --replay | grep neighbor.state
  starling watch --json | jq -c 'select(.event | startswith("route."))'

EXIT STATUS
  0   ended by Ctrl-C, or the reader closed the pipe
  1   the daemon cannot be reached, or has ended
  2   the command line is wrong

FILES
  /run/starling/INTERFACE.sock    a daemon's control socket; only root may use it
)";

constexpr std::string_view kCapture = R"(starling capture - the packets inside the tunnels, as a file for Wireshark

USAGE
  starling capture [INTERFACE] -w FILE|- [OPTIONS]

Writes what the engine carries, to and from all neighbours, into FILE (pcapng) until Ctrl-C: the packets that people
send, and those of the routing protocol, which no other program of this machine sees. The tunnels do not wait for a slow
disk or reader: what finds no room is counted, in the file and at the end. FILE is readable by its owner only, for it
holds traffic.

OPTIONS
  -w, --write FILE            where to; - is standard output, for a pipe
      --control-only          only packets of the routing protocol
      --dropped               also packets that went no further, with the reason as a comment
      --peers                 with the public key of the neighbour as a comment on each packet
  -c, --count N               end after N packets
  -s, --snap-length N         at most N bytes of each packet
  -i, --interface INTERFACE   as INTERFACE; the starlingd of this interface, or its starling-wg
      --control PATH          the starlingd that listens at this socket
  -h, --help                  show this page

EXAMPLES
  starling capture -w mesh.pcapng
  starling capture mesh0 -w - | tcpdump -nr -
  starling capture --control-only -w - | tshark -X lua_script:/usr/local/share/starling/wireshark/starling.lua -r -

EXIT STATUS
  0   ended by Ctrl-C, by --count or with the daemon; the file is complete
  1   the daemon cannot be reached, or refuses; the file cannot be written, or is not complete
  2   the command line is wrong

FILES
  /run/starling/INTERFACE.sock        a daemon's control socket; only root may use it
  /var/run/wireguard/INTERFACE.sock   the socket of starling-wg, for an interface that is named and has no starlingd
)";

constexpr std::string_view kDrain =
    R"(starling drain - move traffic away from a node, before maintenance

USAGE
  starling [-i INTERFACE | --control PATH] drain [--json]

Drained, a node announces all its links as a last resort: others find ways around it while it still carries everything,
so nothing is lost, and what it announces itself stays reachable. Only what has no other way goes on through it. Ends
when all neighbours in Full have had the announcement, and the time to take their traffic elsewhere: then stop the
daemon, or the machine. It lasts until `undrain` or the daemon's end. `starling show status` tells of it, and
`starling show lsdb` of every node.

OPTIONS
      --json                  the daemon's own answer (docs/control.md)
  -i, --interface INTERFACE   talk to the starlingd of this interface
      --control PATH          talk to the starlingd that listens at this socket
  -h, --help                  show this page

EXAMPLES
  starling drain && systemctl restart starling@mesh0

EXIT STATUS
  0   all neighbours know
  1   the daemon cannot be reached, or a neighbour has not heard of it within 10 seconds (it holds all the same)
  2   the command line is wrong

FILES
  /run/starling/INTERFACE.sock    a daemon's control socket; only root may use it
)";

constexpr std::string_view kUndrain = R"(starling undrain - let traffic come back to a node that was drained

USAGE
  starling [-i INTERFACE | --control PATH] undrain [--json]

Ends what `starling drain` began: the node's links cost again what they did. Ends when all neighbours in Full have had
the announcement, and the time to compute with it.

OPTIONS
      --json                  the daemon's own answer (docs/control.md)
  -i, --interface INTERFACE   talk to the starlingd of this interface
      --control PATH          talk to the starlingd that listens at this socket
  -h, --help                  show this page

EXAMPLES
  starling -i mesh0 undrain

EXIT STATUS
  0   all neighbours know
  1   the daemon cannot be reached, or a neighbour has not heard of it within 10 seconds (it holds all the same)
  2   the command line is wrong

FILES
  /run/starling/INTERFACE.sock    a daemon's control socket; only root may use it
)";

constexpr std::string_view kCheck = R"(starling check - whether a configuration of starlingd is right

USAGE
  starling check FILE

Reads FILE as starlingd would and starts nothing. Every error is told in one go: the file, the place in it (a JSON
pointer such as /peers/0/endpoint), what is wrong and what would be right. docs/operating.md describes the keys,
docs/starlingd.schema.json is for editors.

OPTIONS
  -h, --help    show this page

EXAMPLES
  starling check /etc/starling/star0.json

EXIT STATUS
  0   the file is right
  2   it is not, or it cannot be read
)";

constexpr std::string_view kGrant =
    R"page(starling grant - a network's key, and which nodes it admits with which prefixes

USAGE
  starling grant keygen                       a new network key (the secret half)
  starling grant pubkey < KEYFILE             its public half: `network_key` of every node's configuration
  starling grant request FILE                 for a node's configuration: the command with which its grant is signed
  starling grant sign -k KEYFILE --node NODEID [-p PREFIX]... [--until DATE | --days N] [--serial N]
  starling grant revoke -k KEYFILE --node NODEID [--until DATE | --days N] [--serial N]
  starling grant show [FILE] [--network-key KEY] [--json]
  starling grant publish [FILE] [-i INTERFACE | --control PATH]

In a network with a key, a node is a member only with a grant that the key has signed, and others use of its prefixes
only those that the grant allows. What others announce is neither stored nor passed on. A grant is one line of text and
no secret; the network's key is, and is needed on no node at all.

A grant for a node stands in `grants` of that node's configuration, or of any member's: they tell each other. `publish`
hands one (from FILE, or standard input) to a running daemon. Of two for one node the larger serial counts everywhere;
unless --serial says otherwise it is the time of signing, so the newer one. `revoke` signs a grant of nothing at all:
publish it at any member, and keep it in the `grants` of one until what it revokes has ended.

OPTIONS
  -k, --key KEYFILE           the network's key, as `keygen` printed it; readable by its owner only
      --node NODEID           64 hex digits, as `starling pubkey --node < KEYFILE` prints them there
  -p, --prefix PREFIX         may be announced; as often as needed. 10.1.0.0/16 is that prefix only, 10.1.0.0/16+ also
                              everything inside, '10.1.0.0/16{16,24}' up to a length of 24 (in quotes: shells take
                              braces for their own). A node's addresses are prefixes too: 10.1.0.1/32
      --until DATE            when it ends: 2027-01-31, or 2027-01-31T12:00:00Z (UTC)
      --days N                the same, counted from now; 365 if neither is said
      --serial N              1 to 2^62; the default is the present time in microseconds since 1970
      --network-key KEY       of show: whether this key has signed it
      --json                  of show: one object a line
  -h, --help                  show this page

EXAMPLES
  (umask 077; starling grant keygen > network.key)
  starling grant pubkey < network.key
  starling grant sign -k network.key --node "$(ssh alpha 'starling pubkey --node < /etc/starling/key')" -p 10.42.0.1/32
  starling grant revoke -k network.key --node NODEID | starling grant publish

EXIT STATUS
  0   done; of show: all are signed by that key and none has ended
  1   the daemon cannot be reached, or refuses; of show: one is not signed by that key, or has ended
  2   the command line or an input file is wrong
)page";

constexpr std::string_view kKeygen = R"(starling keygen - a new private key

USAGE
  starling keygen

Prints a new WireGuard private key in base64, as `wg genkey` does. It is a node's one secret: its routing identity comes
from it too. Keep it in a file that only root can read, and name that file in `private_key_file`.

OPTIONS
  -h, --help    show this page

EXAMPLES
  (umask 077; starling keygen > /etc/starling/star0.key)
  starling pubkey < /etc/starling/star0.key

EXIT STATUS
  0   printed
  1   it could not be written
  2   the command line is wrong
)";

constexpr std::string_view kPubkey = R"(starling pubkey - the public key of a private key

USAGE
  starling pubkey [--node] < FILE

Reads a private key in base64 from standard input and prints its public key, as `wg pubkey` does. The public key is what
neighbours write into their `peers`.

OPTIONS
      --node    its NodeId instead, 64 hex digits: the node's name in routing, and what a grant is made out to
  -h, --help    show this page

EXAMPLES
  starling pubkey < /etc/starling/star0.key

EXIT STATUS
  0   printed
  2   the input is no private key, or the command line is wrong
)";

constexpr auto kPages = std::to_array<std::pair<std::string_view, std::string_view>>({{"show", kShow},
                                                                                      {"grant", kGrant},
                                                                                      {"watch", kWatch},
                                                                                      {"capture", kCapture},
                                                                                      {"drain", kDrain},
                                                                                      {"undrain", kUndrain},
                                                                                      {"check", kCheck},
                                                                                      {"keygen", kKeygen},
                                                                                      {"pubkey", kPubkey}});

}  // namespace

std::string help_text(std::string_view command) {
  for (const auto& [name, page] : kPages) {
    if (name == command) return std::string(page);
  }
  return std::string(kStarling);
}

}  // namespace starling::daemon
