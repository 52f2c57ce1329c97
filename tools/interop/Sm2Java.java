// SM2 and ECDSA signatures of Bouncy Castle, and of Hutool on top of it. One JSON object a line.
import java.math.BigInteger;
import java.security.*;
import java.util.HexFormat;
import org.bouncycastle.asn1.gm.GMNamedCurves;
import org.bouncycastle.crypto.params.*;
import org.bouncycastle.crypto.signers.*;
import org.bouncycastle.jce.interfaces.ECPublicKey;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

public class Sm2Java {
    static final byte[] MESSAGE = "a message".getBytes();

    static void put(String what, String pack, String call, byte[] key, byte[] signature) {
        HexFormat hex = HexFormat.of();
        System.out.printf("{\"what\": \"%s\", \"package\": \"%s\", \"call\": \"%s\", \"public_key\": \"%s\", \"signature\": \"%s\", \"message\": \"%s\"}%n",
            what, pack, call, hex.formatHex(key), hex.formatHex(signature), hex.formatHex(MESSAGE));
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(new java.security.spec.ECGenParameterSpec("sm2p256v1"));
        KeyPair pair = generator.generateKeyPair();
        byte[] point = ((ECPublicKey) pair.getPublic()).getQ().getEncoded(true);
        String bc = "bcprov-jdk18on";
        for (String name : new String[] {"SM3withSM2"}) {
            try {
                Signature signer = Signature.getInstance(name, "BC");
                signer.initSign(pair.getPrivate());
                signer.update(MESSAGE);
                put(name.toLowerCase(), bc, "Signature.getInstance('" + name + "', 'BC')", point, signer.sign());
            } catch (NoSuchAlgorithmException error) {
                System.err.println(error.getMessage());
            }
        }
        var curve = GMNamedCurves.getByName("sm2p256v1");
        var domain = new ECDomainParameters(curve.getCurve(), curve.getG(), curve.getN());
        var secret = new ECPrivateKeyParameters(((org.bouncycastle.jce.interfaces.ECPrivateKey) pair.getPrivate()).getD(), domain);
        var plain = new SM2Signer(PlainDSAEncoding.INSTANCE);
        plain.init(true, new ParametersWithID(secret, "ALICE123@YAHOO.COM".getBytes()));
        plain.update(MESSAGE, 0, MESSAGE.length);
        put("plain-id", bc, "new SM2Signer(PlainDSAEncoding.INSTANCE), ParametersWithID(key, 'ALICE123@YAHOO.COM')", point, plain.generateSignature());

        var hutool = new cn.hutool.crypto.asymmetric.SM2(pair.getPrivate(), pair.getPublic());
        put("sign", "hutool-crypto", "new SM2(private, public).sign(message)", point, hutool.sign(MESSAGE));
        put("plain", "hutool-crypto", "new SM2(private, public).usePlainEncoding().sign(message)", point, hutool.usePlainEncoding().sign(MESSAGE));
    }
}
