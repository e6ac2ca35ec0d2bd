#!/bin/bash
# forms_test.sh EXSUM - what a line looks like: --tag, -z, --json, other algorithms; --stats.
. "$(dirname "$0")/common.sh"

test_tag() {
        local pair
        for pair in sha256:sha256sum md5:md5sum sha1:sha1sum sha224:sha224sum sha384:sha384sum sha512:sha512sum \
                blake2b512:b2sum; do
                files_in_order tree | xargs -0 "${pair#*:}" --tag -- >wanted
                expect 0 "$exsum" -a "${pair%:*}" --tag tree
                same "-a ${pair%:*} --tag" wanted out
                "${pair#*:}" -c --quiet <out >checked 2>&1 || fail "${pair#*:} -c: $(head -5 checked)"
                files_in_order tree | xargs -0 "${pair#*:}" -- >wanted
                expect 0 "$exsum" -a "${pair%:*}" tree
                same "-a ${pair%:*}" wanted out
        done
}

test_zero() {
        files_in_order tree | xargs -0 sha256sum -z -- >wanted
        expect 0 "$exsum" -z tree
        same "-z" wanted out
        files_in_order tree | xargs -0 sha256sum -z --tag -- >wanted
        expect 0 "$exsum" --zero --tag tree
        same "-z --tag" wanted out
}

# Every algorithm that exsum names, against openssl. It knows a few that openssl's command does not.
test_algorithms() {
        local name n_compared=0 n_named=0
        expect 0 "$exsum" --algorithms
        cp out names
        while read -r name; do
                n_named=$((n_named + 1))
                expect 0 "$exsum" -a "$name" tree/buffer
                cut -d ' ' -f 1 out >sum
                openssl dgst -provider default -provider legacy "-${name/\//-}" tree/buffer >wanted 2>/dev/null ||
                        openssl dgst -provider default -provider legacy "-$(sed 's/SHA2-/SHA/; s/SHAKE-/SHAKE/; s,/,-,' <<<"$name")" \
                                tree/buffer >wanted 2>/dev/null || continue
                sed -i 's/.*= //' wanted
                same "-a $name" wanted sum
                n_compared=$((n_compared + 1))
        done <names
        [ $n_compared -ge 14 ] || fail "only $n_compared of $n_named algorithms were compared with openssl"
        for name in null nonsense ''; do
                expect 2 "$exsum" -a "$name" tree/buffer
                says "-a '$name'" "exsum: unknown algorithm '$name'"
        done
}

test_json() {
        files_in_order tree | xargs -0 sha256sum -z -- >wanted
        expect 1 "$exsum" --json --stats tree nowhere
        cat >compare.py <<'END'
import json, os, sys
lines = [json.loads(line) for line in open("out", "rb")]
wanted = [line.split(b"  ", 1) for line in open("wanted", "rb").read().split(b"\0")[:-1]]
last = lines.pop()
assert last == {"name": "nowhere", "error": "No such file or directory"}, last
assert len(lines) == len(wanted), (len(lines), len(wanted))
n_hex = 0
for line, (digest, name) in zip(lines, wanted):
    n_hex += "name_hex" in line
    found = bytes.fromhex(line["name_hex"]) if "name_hex" in line else line["name"].encode()
    assert found == name, (found, name)
    assert line["digest"] == digest.decode() and line["algorithm"] == "SHA256", line
    assert line["bytes"] == os.stat(name).st_size, line
assert n_hex == 1, n_hex
says = open("err").read().splitlines()
assert says[0] == "exsum: nowhere: No such file or directory", says
stats = json.loads(says[1])
assert stats["files"] == stats["tasks"] - 1 == len(lines) and stats["problems"] == 1, stats
assert stats["bytes"] == sum(line["bytes"] for line in lines) and stats["seconds"] > 0, stats
assert 1 <= stats["in_flight_most"] <= 64 * stats["workers"], stats
END
        python3 compare.py >compared 2>&1 || fail "--json: $(cat compared)"
        sed '1s/^./0/; 2s/ .*/  nowhere/' <(sha256sum tree/a.c tree/a.c tree/a/1) >list
        "$exsum" -c --json list >out 2>err
        [ $? -eq 1 ] || fail "-c --json"
        cat >wanted <<'END'
{"name": "tree/a.c", "algorithm": "SHA256", "result": "failed"}
{"name": "nowhere", "algorithm": "SHA256", "result": "unreadable", "error": "No such file or directory"}
{"name": "tree/a/1", "algorithm": "SHA256", "result": "ok"}
END
        same "-c --json" wanted out
        "$exsum" -c --json --ignore-missing list 2>&1 | grep -q '"result": "missing", "error"' || fail "missing in JSON"
}

test_stats() {
        expect 0 "$exsum" --stats tree
        grep -Eq '^exsum: [0-9]+ files, [0-9]+ bytes in [0-9.]+ s, [0-9.]+ MB/s; [0-9]+ tasks on [0-9]+ workers, [0-9]+ steals, [0-9]+ in flight at most$' err ||
                fail "--stats: $(cat err)"
        grep -q "^exsum: $(find tree -type f -print0 | tr -dc '\0' | wc -c) files, " err || fail "--stats counts: $(cat err)"
        sha256sum tree/a.c tree/buffer >list
        expect 0 "$exsum" --stats -c list
        grep -q "^exsum: 2 files, 131073 bytes in " err || fail "--stats of a check: $(cat err)"
}

make_tree
rm tree/sub/big tree/sub/n[1-9][0-9]*
test_tag
test_zero
test_algorithms
test_json
test_stats
finish
