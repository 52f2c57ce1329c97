// XuperChain's Go code as a peer: ids, addresses and signatures of what comes on standard input, a line each, bytes in
// hexadecimal, "-" for none.
//
//	tx TRANSACTION               txid and digest, or "unparsed"
//	block BLOCK                  blockid and the root of the tree, or "unparsed"
//	json TEXT                    the text as encoding/json writes it
//	key KEY DIGEST SIGNATURE     the key's address or "-", and valid, invalid, nokey or panic
//	load BLOCK                   keeps its transactions; how many there are, or "unparsed"
//	verify                       of these, how many have their id, and a signature of their initiator
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/golang/protobuf/proto"
	"github.com/xuperchain/xupercore/bcs/ledger/xledger/ledger"
	"github.com/xuperchain/xupercore/bcs/ledger/xledger/state/utxo/txhash"
	pb "github.com/xuperchain/xupercore/bcs/ledger/xledger/xldgpb"
	"github.com/xuperchain/xupercore/kernel/permission/acl/utils"
	"github.com/xuperchain/xupercore/lib/crypto/client"
)

func main() {
	var loaded []*pb.Transaction
	in := bufio.NewReaderSize(os.Stdin, 1<<24)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		var data []byte
		if len(words) > 1 {
			data, _ = hex.DecodeString(strings.TrimPrefix(words[1], "-"))
		}
		switch words[0] {
		case "tx":
			tx := &pb.Transaction{}
			if err := proto.Unmarshal(data, tx); err != nil {
				fmt.Println("unparsed")
				continue
			}
			id, _ := txhash.MakeTransactionID(tx)
			digest, _ := txhash.MakeTxDigestHash(tx)
			fmt.Println(hex.EncodeToString(id), hex.EncodeToString(digest))
		case "block":
			block := &pb.InternalBlock{}
			if err := proto.Unmarshal(data, block); err != nil {
				fmt.Println("unparsed")
				continue
			}
			id, _ := ledger.MakeBlockID(block)
			tree := ledger.MakeMerkleTree(block.Transactions)
			fmt.Println(hex.EncodeToString(id), hex.EncodeToString(tree[len(tree)-1]))
		case "json":
			out, _ := json.Marshal(string(data))
			fmt.Println(hex.EncodeToString(out))
		case "key":
			digest, _ := hex.DecodeString(words[2])
			sig, _ := hex.DecodeString(strings.TrimPrefix(words[3], "-"))
			fmt.Println(verify(data, digest, sig))
		case "load":
			block := &pb.InternalBlock{}
			if err := proto.Unmarshal(data, block); err != nil {
				fmt.Println("unparsed")
				continue
			}
			loaded = block.Transactions
			fmt.Println(len(loaded))
		case "verify":
			valid := 0
			for _, tx := range loaded {
				if signed(tx) {
					valid++
				}
			}
			fmt.Println(valid)
		}
	}
}

// Whether a transaction has its id, and its initiator, an address, signed its digest.
func signed(tx *pb.Transaction) bool {
	id, err := txhash.MakeTransactionID(tx)
	if err != nil || !bytes.Equal(id, tx.Txid) || len(tx.InitiatorSigns) < 1 {
		return false
	}
	digest, err := txhash.MakeTxDigestHash(tx)
	if err != nil {
		return false
	}
	ok, err := utils.IdentifyAK(tx.Initiator, tx.InitiatorSigns[0], digest)
	return err == nil && ok
}

func verify(text, digest, sig []byte) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "- panic"
		}
	}()
	c, err := client.CreateCryptoClientFromJSONPublicKey(text)
	if err != nil {
		return "- nokey"
	}
	key, err := c.GetEcdsaPublicKeyFromJsonStr(string(text))
	if err != nil || key.X == nil || key.Y == nil {
		return "- nokey"
	}
	address, err := c.GetAddressFromPublicKey(key)
	if err != nil {
		return "- nokey"
	}
	ok, err := c.VerifyECDSA(key, sig, digest)
	if err != nil || !ok {
		return address + " invalid"
	}
	return address + " valid"
}
